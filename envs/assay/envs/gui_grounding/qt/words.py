"""Invented content: people, subjects, files, songs, figures. All of it is drawn by seed."""

from __future__ import annotations

import random

FIRST = (
    "Ana", "Bo", "Carla", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kemi", "Luca", "Mira",
    "Nadia", "Oskar", "Priya", "Quentin", "Rosa", "Sven", "Tara", "Umar", "Vera", "Wei", "Ximena", "Yusuf", "Zoe",
)  # fmt: skip
LAST = (
    "Abbott", "Berg", "Castro", "Dahl", "Eriksen", "Fontaine", "Gruber", "Haddad", "Ito", "Jensen", "Kaya",
    "Lindqvist", "Moreau", "Novak", "Okafor", "Petrov", "Quispe", "Rossi", "Silva", "Tanaka", "Unger", "Vargas",
    "Weber", "Xu", "Yilmaz", "Zimmer",
)  # fmt: skip
TOPICS = (
    "Quarterly figures", "Lunch on Friday", "Broken radiator", "Trip to Lisbon", "Invoice 4471",
    "Draft of the contract", "Choir rehearsal", "Server maintenance", "Photos from Sunday", "New office keys",
    "Parking permit", "Book club", "Travel expenses", "Birthday party", "Garden fence", "Tax documents",
    "Ski weekend", "Lost umbrella", "Piano lessons", "Budget question", "Weekly report", "Dentist appointment",
    "Team photo", "Flight change", "Missing parcel",
)  # fmt: skip
STEMS = (
    "report", "budget", "holiday", "invoice", "thesis", "recipe", "letter", "survey", "roadmap", "minutes",
    "inventory", "portrait", "sunset", "bridge", "harbour", "meadow", "lecture", "contract", "garden", "schedule",
    "orchard", "tower",
)  # fmt: skip
ENDINGS = {"txt": "Text", "pdf": "Document", "png": "Picture", "csv": "Table", "mp3": "Sound", "zip": "Archive"}
FOLDERS = (
    "Accounts", "Drawings", "Essays", "Family", "Letters", "Maps", "Notes", "Plans", "Receipts", "Scans", "Talks",
    "Workshops",
)  # fmt: skip
SONGS = (
    "Amber Light", "Blue Harbour", "Cold Morning", "Distant Bells", "Empty Streets", "Falling Leaves", "Glass Mountain",
    "Hollow Moon", "Iron Bridge", "Jade River", "Kindling", "Long Way Down", "Midnight Train", "North Wind",
    "Open Window", "Paper Boats", "Quiet Rooms", "Red Lanterns", "Silver Thread", "Tidal Song",
)  # fmt: skip
BANDS = ("The Lanterns", "Oak & Ember", "Marble Arch", "Night Ferry", "Polar Choir", "Seven Stairs", "Velvet Crow")
PRODUCTS = (
    "Anvil", "Basket", "Candle", "Drill", "Easel", "Funnel", "Globe", "Hammock", "Inkwell", "Jigsaw", "Kettle",
    "Ladder", "Mallet", "Needle", "Oar", "Pulley", "Quilt", "Rake", "Stapler", "Trowel",
)  # fmt: skip
CITIES = ("Bergen", "Cadiz", "Delft", "Esbjerg", "Faro", "Ghent", "Hobart", "Izmir", "Kyoto", "Lyon", "Malmo", "Porto")
COUNTRIES = ("Belgium", "Chile", "Denmark", "Estonia", "France", "Japan", "Kenya", "Norway", "Portugal", "Turkey")
STREETS = ("Bakery Lane", "Canal Street", "Elm Road", "Harbour Row", "King Street", "Mill Alley", "Station Road")
SENTENCES = (
    "The ferry leaves at seven and the harbour is still dark.",
    "Nobody had counted the chairs before the guests came in.",
    "We agreed to paint the shed green, whatever it costs.",
    "Her notes fill nine shelves and half of the attic.",
    "A storm took the roof off the mill in the second week.",
    "There are three ways to fold the map and two are wrong.",
    "The clock in the hall has been late since the winter.",
    "He keeps the good scissors in a drawer marked string.",
    "Most of the orchard was planted by the previous owner.",
    "The recipe asks for patience and a very large pan.",
)


def person(rng: random.Random) -> str:
    """A full name."""
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def people(rng: random.Random, count: int) -> list[str]:
    """Full names that share no part."""
    return [f"{a} {b}" for a, b in zip(rng.sample(FIRST, count), rng.sample(LAST, count), strict=True)]


def address_of(name: str) -> str:
    """A mail address that nobody has."""
    return f"{name.lower().replace(' ', '.')}@example.org"


def files(rng: random.Random, count: int, alike: bool = False) -> list[str]:
    """File names; ``alike`` makes groups that differ in a number only."""
    if alike:
        stem, ending = rng.choice(STEMS), rng.choice(tuple(ENDINGS))
        return [f"{stem}-{number}.{ending}" for number in rng.sample(range(1, 40), count)]
    return [f"{stem}.{rng.choice(tuple(ENDINGS))}" for stem in rng.sample(STEMS, count)]


def day(rng: random.Random) -> str:
    """A date of 2025."""
    return f"2025-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"


def prose(rng: random.Random, count: int) -> str:
    """Sentences of a text about nothing."""
    return " ".join(rng.choice(SENTENCES) for _ in range(count))
