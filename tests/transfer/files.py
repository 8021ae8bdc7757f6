"""Files as other services write them, made from nothing: the same ones each time."""

import csv
import datetime
import io
import json

HEADINGS = ["Profile Name", "Start Time", "Duration", "Attributes", "Title", "Supplemental Video Type",
            "Device Type", "Bookmark", "Latest Bookmark", "Country"]
PROFILES = ["Anna", "Ben", 'Zoë "K"']
TRAILER_EVERY = 50


def netflix_rows(count, start=datetime.datetime(2020, 1, 1)):
    """`count` rows of an account's viewing activity, oldest first; one in TRAILER_EVERY is a trailer."""
    for i in range(count):
        start += datetime.timedelta(minutes=37, seconds=i % 50)
        watched = f"00:{i % 60:02}:{i % 59:02}"
        yield [PROFILES[i % 3], f"{start:%Y-%m-%d %H:%M:%S}", watched, "",
               f"Show {i % 400}: Season {i % 4 + 1}: Episode, {i % 1000}",
               "TRAILER" if i % TRAILER_EVERY == 7 else "", "Smart TV", watched, "Not latest view",
               "DE (Germany)"]


def netflix(rows, bom=True):
    """The file's text, as Netflix quotes it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    writer.writerows(rows)
    return ("\ufeff" if bom else "") + out.getvalue()


def registers(count, accounts, start=datetime.datetime(2024, 1, 1)):
    """`count` lines of bare registers across `accounts`."""
    for i in range(count):
        at = start + datetime.timedelta(seconds=i)
        yield json.dumps({"account": f"acct-{i % accounts}", "profile": f"p{i // accounts % 3}",
                          "title": f"film-{i // accounts}", "playhead_ms": 1_000 * (i % 5_000) + 1_000,
                          "at": f"{at:%Y-%m-%dT%H:%M:%S}Z"}, separators=(",", ":"))


if __name__ == "__main__":
    import sys
    kind, count, path, *accounts = sys.argv[1:]
    with open(path, "w", newline="", encoding="utf-8") as file:
        if kind == "netflix":
            file.write(netflix(netflix_rows(int(count))))
        else:
            file.writelines(line + "\n" for line in registers(int(count), int(accounts[0])))
