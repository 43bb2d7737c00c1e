"""A form in several parts, as at a till."""

from __future__ import annotations

from assay.envs.gui_grounding.qt.words import CITIES, COUNTRIES, PRODUCTS, STREETS, person
from assay.envs.gui_grounding.web.pages.sheet import Sheet

_FIELDS = {
    "First name": ("", "type in what friends call you"),
    "Last name": ("", "type in the family's part of what you are called"),
    "Company": ("Optional", "say whom you work for"),
    "Street": ("", "say in which road the house is"),
    "House number": ("", ""),
    "Postcode": ("12345", "type in the digits that the post sorts by"),
    "Town": ("", ""),
    "Phone": ("+00 000 0000", "leave a way to be called"),
}


def body(sheet: Sheet) -> str:
    """The middle of the page."""
    rng = sheet.rng
    sheet.title = "Checkout"
    parts = [_address(sheet, "Delivery address")]
    if sheet.hard or rng.random() < 0.4:
        parts.append(_address(sheet, "Billing address"))
    else:
        parts.append(f"<p>{sheet.tick('Billing address is the same', about='send the invoice where the goods go')}</p>")
    parts += [_payment(sheet), _notes(sheet)]
    acts = sheet.buttons(("submit", "go_back", "reset"), place="button bar", kind=rng.choice(("text", "both")))
    steps = sheet.tabs(("Basket", "Address", "Payment", "Summary"), 1)
    return (
        f'<h1>Checkout</h1>{steps}<div class="cols" ><form class="main" onsubmit="return false">{"".join(parts)}'
        f'<div class="row">{acts}</div></form>{_summary(sheet)}</div>'
    )


def _address(sheet: Sheet, title: str) -> str:
    rng = sheet.rng
    chosen = rng.sample(tuple(_FIELDS), rng.randrange(4, 8))
    values = {"First name": person(rng).split()[0], "Street": rng.choice(STREETS), "Town": rng.choice(CITIES)}
    fields = ""
    for label in sorted(chosen, key=tuple(_FIELDS).index):
        hint, about = _FIELDS[label]
        value = values.get(label, "") if rng.random() < 0.4 else ""
        fields += sheet.field(label, value=value, hint=hint, about=about)
    fields += sheet.choice("Country", COUNTRIES, about="say which state the house is in")
    columns = rng.choice((1, 2, 2, 3))
    return (
        f'<fieldset><legend>{title}</legend><div class="grid" style="grid-template-columns:repeat({columns},1fr);'
        f'gap:.2em 1.5em">{fields}</div></fieldset>'
    )


def _payment(sheet: Sheet) -> str:
    ways = sheet.rng.sample(("Bank transfer", "Credit card", "Cash on delivery", "Voucher", "Invoice"), 3)
    radios = "".join(f"<div>{sheet.tick(each, group='pay', on=False)}</div>" for each in ways)
    holder = sheet.field("Card holder", about="say to whom the piece of plastic belongs")
    number = sheet.field("Card number", hint="0000 0000 0000 0000", about="type in the sixteen digits")
    return f"<fieldset><legend>Payment</legend>{radios}{holder}{number}</fieldset>"


def _notes(sheet: Sheet) -> str:
    area = sheet.area(
        "Message to the courier", hint="Bell does not work", about="tell whoever brings the parcel something"
    )
    agree = sheet.tick("I accept the terms", about="agree to the rules of this business")
    gift = sheet.tick("Wrap it as a gift", about="have it packed nicely")
    return f"<fieldset><legend>Anything else?</legend>{area}<div>{gift}</div><div>{agree}</div></fieldset>"


def _summary(sheet: Sheet) -> str:
    lines = ""
    for product in sheet.rng.sample(PRODUCTS, sheet.rng.randrange(2, 5)):
        drop = sheet.button("delete", style="second", place=f"{product} line", kind=sheet.rng.choice(("icon", "text")))
        lines += (
            f'<p class="row"><span>{product}</span><span class="far">{sheet.rng.randrange(3, 90)}.00 €</span>{drop}</p>'
        )
    code = sheet.field("Voucher code", about="type in letters that make it cheaper")
    return f'<aside style="width:19em"><section class="panel"><h2>Your basket</h2>{lines}{code}</section></aside>'
