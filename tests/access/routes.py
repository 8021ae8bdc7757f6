"""Every operation of api/openapi.yaml, and a request for it that is about a given owner.

Made from the file: a new operation is in the matrix by being there, with the example of its body.
"""

import re
import time

import yaml

from harness import at, cmcd
from harness.server import ROOT

METHODS = ("get", "put", "post", "patch", "delete")
CONTRACT = yaml.safe_load((ROOT / "api/openapi.yaml").read_text())


class Operation:
    def __init__(self, path, method, spec, shared):
        self.path, self.method, self.spec = path, method.upper(), spec
        self.name, self.permission = spec["operationId"], spec["x-permission"]
        self.parameters = [resolved(one) for one in [*shared, *spec.get("parameters", [])]]
        self.streams = "text/event-stream" in spec["responses"].get("200", {}).get("content", {})
        # A refused record is dropped: players storm on anything but 204.
        self.always_204 = self.name == "postCmcd"

    def __repr__(self):
        return self.name

    @property
    def changes(self):
        return self.method != "GET" and self.name != "queryProgress"

    def target(self, owner):
        values = {"account": owner.account, "profile": owner.profile, "view": owner.view,
                  "title": owner.title, "id": owner.view}

        def value(found):
            name = found[1]
            if name in values:
                return values[name]
            [parameter] = [one for one in self.parameters if one["name"] == name and one["in"] == "path"]
            return str(parameter["example"] if "example" in parameter else parameter["schema"]["enum"][0])

        return re.sub(r"\{(\w+)\}", value, self.path)

    def body(self, owner):
        """(body, content type) that is about `owner`; (None, JSON) where there is none."""
        content = self.spec.get("requestBody", {}).get("content", {})
        if not content:
            return None, "application/json"
        if "application/cmcd" in content:
            return cmcd(e="ps", sta="p", cid=owner.title, sid=owner.view, sn=7, pt=50_000,
                        ts=int(time.time() * 1000), v=2,
                        com_dot_x_dash_account=owner.account, com_dot_x_dash_profile=owner.profile,
                        com_dot_x_dash_device=owner.device), "application/cmcd"
        media = content["application/json"]
        example = media["example"] if "example" in media else next(iter(media["examples"].values()))["value"]
        return about(example, owner), "application/json"

    def ask(self, scene, shown, owner):
        if self.streams:
            return scene.stream(shown, owner.account)
        body, content_type = self.body(owner)
        return scene.ask(shown, self.method, self.target(owner), body, content_type)


def resolved(node):
    while "$ref" in node:
        found = CONTRACT
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def about(example, owner):
    """An example of the contract, told of `owner` and of now."""
    values = {"account": owner.account, "profile": owner.profile, "view": owner.view, "title": owner.title,
              "series": owner.series, "device": owner.device, "device_type": owner.kind_of_device,
              "titles": [owner.title], "at": at()}
    if isinstance(example, list):
        return [about(one, owner) for one in example]
    if isinstance(example, dict):
        return {name: values.get(name, value) for name, value in example.items()}
    return example


def operations():
    return [Operation(path, method, item[method], item.get("parameters", []))
            for path, item in CONTRACT["paths"].items() for method in METHODS if method in item]
