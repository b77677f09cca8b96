"""What there is to ask for: made from a seed, as large and as compressible as the real thing."""

import json
import random

CUSTOMERS = ["Grant Plastics Ltd.", "West View Software Ltd.", "Palmer Productions Ltd.", "Summer Meadow & Sons", "Öztürk Lojistik A.Ş."]
STATES = ["Draft", "To Deliver and Bill", "To Bill", "To Deliver", "Completed", "Cancelled"]
WORDS = "frappe cur_frm refresh frm doc docname fieldname set_value callback args message return function const this ui form".split()


def orders(source, size):
    """Rows of a list of sales orders, as reportview answers: names of columns, then values."""
    rows = []
    while True:
        rows.append(
            [
                f"SAL-ORD-2026-{source.randrange(10**5):05}", source.choice(CUSTOMERS), source.choice(STATES),
                f"2026-0{source.randrange(1, 9)}-{source.randrange(10, 28)}", round(source.uniform(10, 90_000), 2),
                f"2026-08-{source.randrange(10, 28)} 10:{source.randrange(10, 59)}:12.{source.randrange(10**6):06}", None, 0,
            ]
        )  # fmt: skip
        keys = ["name", "customer", "status", "delivery_date", "grand_total", "modified", "_assign", "docstatus"]
        text = json.dumps({"message": {"keys": keys, "values": rows, "user_info": {}}}, separators=(",", ":"))
        if len(text) >= size:
            return text.encode()


def document(source, name, size):
    """One sales order with its items."""
    items = []
    while True:
        items.append(
            {
                "name": f"{source.randrange(16**10):010x}", "owner": "ada@example.com", "idx": len(items) + 1,
                "item_code": f"SKU{source.randrange(999):03}", "qty": float(source.randrange(1, 90)), "uom": "Nos",
                "rate": round(source.uniform(1, 900), 2), "warehouse": "Stores - F", "parent": name, "doctype": "Sales Order Item",
            }
        )  # fmt: skip
        text = json.dumps({"data": {"name": name, "doctype": "Sales Order", "status": "Draft", "items": items}})
        if len(text) >= size:
            return text.encode()


def script(source, size):
    """Minified JavaScript compresses to a quarter or so."""
    pieces = []
    length = 0
    while length < size:
        piece = "{}.{}=function({}){{return {}.{}({},{})}};".format(
            source.choice(WORDS), f"{source.choice('abcdefgh')}{source.randrange(3000)}", source.choice("abcdefgh"),
            source.choice(WORDS), source.choice(WORDS), source.choice("abcdefgh"), source.randrange(10**5),
        )  # fmt: skip
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces).encode()


def style(source, size):
    rules = []
    while sum(map(len, rules)) < size:
        rules.append(
            f".{source.choice(WORDS)}-{source.randrange(900)}{{margin:{source.randrange(40)}px;color:#{source.randrange(16**6):06x}}}"
        )
    return "".join(rules).encode()


def page(source, size):
    """The desk: a little HTML around a large boot object."""
    boot = orders(source, size - 2000).decode()
    links = "".join(f'<script src="/assets/frappe/dist/js/part{n}.bundle.7FK5PESM.js"></script>' for n in range(1, 25))
    return f"<!DOCTYPE html><html><head><title>ERPNext</title></head><body>{links}<script>frappe.boot={boot}</script></body></html>".encode()


def make(folder):
    """All files under `folder`, the same each time."""
    source = random.Random(1)

    def put(path, content):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)

    put("app", page(source, 60 << 10))
    for n in range(1, 11):
        put(f"views/{n}", orders(source, n * 2048))
    for n in range(1, 13):
        put(f"api/resource/Sales Order/SAL-ORD-2026-{n}", document(source, f"SAL-ORD-2026-{n}", 1024 + n * 600))
    # From small ones of one page to the desk's own.
    for n in range(1, 25):
        put(f"assets/frappe/dist/js/part{n}.bundle.7FK5PESM.js", script(source, 4096 + n * n * 700))
    for n in range(1, 7):
        put(f"assets/frappe/dist/css/part{n}.bundle.Q3V6ZKTA.css", style(source, n * 24 << 10))
    for n in range(1, 5):
        put(f"assets/frappe/fonts/inter{n}.woff2", source.randbytes(n * 25 << 10))
