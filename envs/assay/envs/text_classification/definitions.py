"""A line that explains each label: given with the data, else the training texts most central to it."""

from __future__ import annotations

from assay.envs.text_classification.corpus import Corpus
from assay.envs.text_classification.prompt import cut_middle
from assay.envs.text_classification.retrieval import Index

_CENTRAL = 5
_LONGEST = 80


def complete_definitions(corpus: Corpus) -> dict[str, str]:
    """A definition for every label that is given one or has training texts.

    Where none is given it is made of the label's five most central training texts, each cut to 80 characters; held-out
    texts are not looked at.

    Raises:
        ImportError: if scikit-learn is missing and a definition has to be made.
    """
    train = corpus.rows["train"]
    found = {label: corpus.definitions[label] for label in corpus.labels if corpus.definitions.get(label)}
    if len(found) == len(corpus.labels):
        return found
    index = Index([row.text for row in train])
    for label in corpus.labels:
        members = [i for i, row in enumerate(train) if row.label == label]
        if label not in found and members:
            texts = [" ".join(train[i].text.split()) for i in index.central(members, _CENTRAL)]
            found[label] = "texts like " + "; ".join(f'"{cut_middle(text, _LONGEST)}"' for text in texts)
    return found
