"""A list of products with filters."""

from __future__ import annotations

from assay.envs.gui_grounding.qt.words import PRODUCTS
from assay.envs.gui_grounding.web.pages.sheet import Sheet

_MAKES = ("Steel", "Walnut", "Folding", "Travel", "Classic", "Heavy", "Garden", "Pocket")
_BRANDS = ("Orrin", "Tessa & Co", "Vandell", "Kolder", "Brightwell", "Maru")


def body(sheet: Sheet) -> str:
    """The middle of the page."""
    rng = sheet.rng
    base = rng.choice(PRODUCTS)
    sheet.title = f"{base}s" if sheet.hard else "All products"
    count = rng.randrange(4, 13)
    if sheet.hard:
        names = [f"{make} {base}" for make in rng.sample(_MAKES, min(count, len(_MAKES)))]
    else:
        names = [f"{rng.choice(_MAKES)} {each}" for each in rng.sample(PRODUCTS, count)]
    columns = rng.choice((2, 3, 4))
    cards = "".join(_card(sheet, name) for name in names)
    pager = sheet.buttons(("previous", "next"), place="pages bar")
    order = sheet.choice("Sort by", ("Price", "Newest", "Rating", "Name"), about="put the products in another order")
    views = sheet.buttons(("grid", "list"), place="pages bar", kind="icon")
    return (
        f'<div class="cols">{_filters(sheet)}<div class="main"><div class="row"><h1>{sheet.title}</h1>'
        f'<span class="far row">{order}{views}</span></div><div class="grid" style="grid-template-columns:'
        f'repeat({columns},1fr)">{cards}</div><p class="row">{pager}</p></div></div>'
    )


def _card(sheet: Sheet, name: str) -> str:
    rng = sheet.rng
    price = f"{rng.randrange(4, 180)}.{rng.choice(('00', '50', '90', '99'))} €"
    acts = sheet.button("add_to_cart", place=name, kind=rng.choice(("text", "both")))
    acts += sheet.button("wish", place=name, style="second", kind="icon")
    if sheet.hard or rng.random() < 0.3:
        acts += sheet.button("compare", place=name, style="second", kind="icon")
    return (
        f'<article class="card">{sheet.picture(rng.choice((0.5, 0.6, 0.8)))}<h3>{sheet.link(name)}</h3>'
        f'<p>{price} {sheet.stars()}</p><div class="row">{acts}</div></article>'
    )


def _filters(sheet: Sheet) -> str:
    rng = sheet.rng
    brands = "".join(f"<div>{sheet.tick(each)}</div>" for each in rng.sample(_BRANDS, rng.randrange(3, 6)))
    low = sheet.field("Lowest price", value=str(rng.randrange(1, 20)), about="leave out what is too cheap")
    high = sheet.field("Highest price", value=str(rng.randrange(40, 300)), about="leave out what is too dear")
    stock = sheet.tick("In stock only", about="hide what cannot be delivered now")
    apply = sheet.buttons(("filter", "clear"), place="side bar", kind="text")
    return (
        f'<aside><section class="panel"><h2>Brand</h2>{brands}</section><section class="panel"><h2>Price'
        f"</h2>{low}{high}"
        f'</section><section class="panel"><h2>Delivery</h2><div>{stock}</div></section>'
        f'<div class="row">{apply}</div></aside>'
    )
