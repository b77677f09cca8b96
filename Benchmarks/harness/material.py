"""What is served: files, JSON as Frappe sends it, a certificate."""

import json
import random
import subprocess

SEED = 1


def frappe_json(size):
    """So many bytes of a list of items; compresses as such lists do, and is always the same."""
    chance = random.Random(SEED)
    words = ["Steel", "Bolt", "Washer", "Cable", "Panel", "Bearing", "Valve", "Motor", "Hinge", "Filter"]
    rows = []

    def written(note=""):
        return json.dumps({"message": rows, "note": note}, separators=(",", ":"))

    while len(written()) <= size:
        rows.append(_item(chance, words))
    rows.pop()
    note = " ".join(chance.choices(words, k=size))
    return written(note[: size - len(written())])


def _item(chance, words):
    def moment():
        day = f"2026-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
        return f"{day} {chance.randrange(24):02}:{chance.randrange(60):02}:11.{chance.randrange(10**6):06}"

    return {
        "name": f"ITEM-{chance.randrange(100_000):05}",
        "owner": chance.choice(["Administrator", "sales@example.com", "stock@example.com"]),
        "creation": moment(),
        "modified": moment(),
        "docstatus": 0,
        "item_name": f"{chance.choice(words)} {chance.choice(words)} {chance.randrange(10, 400)} mm",
        "item_group": chance.choice(["Raw Material", "Products", "Sub Assemblies", "Consumable"]),
        "stock_uom": chance.choice(["Nos", "Kg", "Meter"]),
        "standard_rate": round(chance.uniform(1, 5000), 2),
        "disabled": 0,
        "image": None,
    }


def make_files(folder):
    assets = folder / "assets"
    assets.mkdir()
    (assets / "4k.css").write_bytes((b"body { margin: 0 } " * 300)[:4096])
    for path in (assets / "1m.js", folder / "1m"):
        path.write_bytes(b"0123456789abcdef" * (1 << 16))


def make_certificate(folder):
    """ECDSA P-256 for everybody; HAProxy wants key and certificate in one file."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    (folder / "both.pem").write_bytes(certificate.read_bytes() + key.read_bytes())
