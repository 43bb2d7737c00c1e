"""Texts made by seed: eight topics, words of the topic among filler, negations of another topic, and label noise."""

from __future__ import annotations

import random

TOPICS: dict[str, tuple[str, ...]] = {
    "sports": ("match", "goal", "coach", "league", "striker", "referee", "stadium", "tournament"),
    "cooking": ("recipe", "oven", "garlic", "simmer", "dough", "kitchen", "sauce", "roast"),
    "space": ("orbit", "rocket", "telescope", "galaxy", "astronaut", "comet", "launch", "satellite"),
    "finance": ("shares", "interest", "bond", "dividend", "broker", "inflation", "loan", "market"),
    "music": ("guitar", "melody", "album", "chorus", "drummer", "violin", "concert", "rhythm"),
    "gardening": ("soil", "seedling", "prune", "compost", "tulip", "greenhouse", "weeds", "harvest"),
    "travel": ("airport", "luggage", "hostel", "passport", "ferry", "itinerary", "visa", "beach"),
    "health": ("doctor", "vaccine", "symptom", "clinic", "dosage", "nurse", "therapy", "blood"),
}

DEFINITIONS: dict[str, str] = {
    topic: f"is about {', '.join(words[:3])} and the like" for topic, words in TOPICS.items()
}

NOISE = 0.05
"""Share of rows that carry a wrong label: no classifier can be right on more than about 95 % of held-out rows."""

ROWS = 2400
_FILLER = (
    "today we heard that",
    "people often mention",
    "the note says",
    "yesterday there was talk of",
    "she wrote about",
)
_JOINS = ("and", "with", "then", "near", "plus")


def synthetic_rows(seed: int, rows: int = ROWS) -> list[tuple[str, str]]:
    """``rows`` distinct ``(text, label)`` pairs, labels as even as they divide; the same for the same seed.

    Half of the texts also name words of another topic and negate them, so that single words do not decide.
    """
    rng = random.Random(f"synthetic:{seed}")
    topics = list(TOPICS)
    made: dict[str, str] = {}
    while len(made) < rows:
        topic = topics[len(made) % len(topics)]
        text = _sentence(topic, topics, rng)
        if text not in made:
            wrong = rng.random() < NOISE
            made[text] = rng.choice([t for t in topics if t != topic]) if wrong else topic
    return list(made.items())


def _sentence(topic: str, topics: list[str], rng: random.Random) -> str:
    own = f" {rng.choice(_JOINS)} the ".join(rng.sample(TOPICS[topic], rng.randint(2, 3)))
    clause = f"{rng.choice(_FILLER)} the {own}"
    if rng.random() < 0.5:
        return f"{clause}."
    other = " or the ".join(rng.sample(TOPICS[rng.choice([t for t in topics if t != topic])], 2))
    if rng.random() < 0.5:
        return f"not the {other}, {clause}."
    return f"{clause}, not the {other}."
