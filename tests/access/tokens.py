"""Keys and tokens made by another implementation (PyJWT and Python's cryptography): the server shall
agree with it, not with itself.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

RULES = {"iss": "playhead", "aud": "playhead"}
SECRET = secrets.token_bytes(32)
PRIVATE = {
    "rs": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "es": ec.generate_private_key(ec.SECP256R1()),
    "ed": ed25519.Ed25519PrivateKey.generate(),
    "hs": SECRET,
}
ALGORITHMS = {"rs": "RS256", "es": "ES256", "ed": "EdDSA", "hs": "HS256"}
# Keys of the right kinds that no server has.
STRANGE = {
    "rs": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "es": ec.generate_private_key(ec.SECP256R1()),
    "ed": ed25519.Ed25519PrivateKey.generate(),
    "hs": secrets.token_bytes(32),
}


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(key_id):
    """The key as a server needs it: public, but for the secret."""
    key = PRIVATE[key_id]
    if key_id == "hs":
        return {"kty": "oct", "kid": "hs", "k": encoded(key)}
    maker = {"rs": jwt.algorithms.RSAAlgorithm, "es": jwt.algorithms.ECAlgorithm,
             "ed": jwt.algorithms.OKPAlgorithm}[key_id]
    return {**maker.to_jwk(key.public_key(), as_dict=True), "kid": key_id, "use": "sig"}


def key_set(*key_ids):
    """A JWKS; all keys if none is named. Beside ours lies one for encryption, as providers have it."""
    other = {"kty": "RSA", "use": "enc", "kid": "not-for-signing", "n": "AQAB", "e": "AQAB"}
    return json.dumps({"keys": [other, *(jwk(key_id) for key_id in key_ids or ALGORITHMS)]})


def pem(key_id):
    return PRIVATE[key_id].public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def claims(kind="viewer", expires_in_s=3600, **more):
    """Good claims; a change to None leaves one out."""
    made = {**RULES, "exp": int(time.time()) + expires_in_s, "kind": kind, **more}
    return {name: value for name, value in made.items() if value is not None}


def token(kind="viewer", key="es", private=None, headers=None, **more):
    """A token signed by PyJWT."""
    return jwt.encode(claims(kind, **more), private or PRIVATE[key], ALGORITHMS[key],
                      headers={"kid": key, **(headers or {})})


def by_hand(header, said, secret=None):
    """A token of any header, signed by HMAC with any bytes, or not at all."""
    signed = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(said).encode())}"
    if secret is None:
        return signed + "."
    return f"{signed}.{encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def bad_tokens(**said):
    """Name to a token that says what `said` does, and must get 401."""
    good = claims(**said)
    rs_public = json.dumps(jwk("rs")).encode()
    return {
        "expired": token(**said, expires_in_s=-61),
        "not_yet": token(**said, nbf=int(time.time()) + 90),
        "endless": token(**{**said, "exp": None}),
        "wrong_audience": token(**{**said, "aud": "another"}),
        "wrong_issuer": token(**{**said, "iss": "another"}),
        "alg_none": by_hand({"alg": "none", "kid": "es"}, good),
        "alg_none_signed": by_hand({"alg": "none", "kid": "hs"}, good, SECRET),
        "hs_with_rs_public_pem": by_hand({"alg": "HS256", "kid": "rs"}, good, pem("rs")),
        "hs_with_rs_public_jwk": by_hand({"alg": "HS256", "kid": "rs"}, good, rs_public),
        "hs_with_rs_modulus": by_hand({"alg": "HS256", "kid": "rs"}, good,
                                      base64.urlsafe_b64decode(jwk("rs")["n"] + "==")),
        "unknown_kid": token(**said, headers={"kid": "nobody's"}),
        "no_kid": by_hand({"alg": "HS256"}, good, SECRET),
        "strange_rs": token(**said, key="rs", private=STRANGE["rs"]),
        "strange_es": token(**said, key="es", private=STRANGE["es"]),
        "strange_ed": token(**said, key="ed", private=STRANGE["ed"]),
        "strange_hs": token(**said, key="hs", private=STRANGE["hs"]),
        "no_kind": token(**{**said, "kind": None}),
        "crit": token(**said, headers={"crit": ["x"], "x": 1}),
        "rubbish": "e30.e30.e30",
    }
