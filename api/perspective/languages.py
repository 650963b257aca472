"""Which language a text is in, as an ISO 639 code.

The model that tells takes half a second to load and 75 MB, so it is loaded by the first call that asks, and not by
servers whom nobody asks. Coral gives up after 0.8 seconds and publishes: a client that names its languages does not
wait for the model, and is told of the language from the moment on when it is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock, Thread

from py3langid.langid import MODEL_FILE, LanguageIdentifier

DEFAULT = "en"
"""What is taken where nothing tells: emoji, "+1", a bare address."""
UNDETERMINED = "und"
LIKELY, SURE = 0.5, 0.9
LONGEST = 5_000
"""Characters that are looked at."""
_NO_LANGUAGE = "zxx"
_ALIKE = {"yue": "zh", "wuu": "zh", "nn": "no"}
"""Languages the model tells apart and the protocol does not."""


@dataclass(frozen=True, slots=True)
class Told:
    """A language, and whether it can be relied on."""

    code: str = UNDETERMINED
    sure: bool = False


class Detector:
    """Tells languages; loads its model once."""

    def __init__(self) -> None:
        self._model: LanguageIdentifier | None = None
        self._loading = Lock()
        self._begun = False

    def tell(self, text: str, *, wait: bool = True) -> Told:
        """The language of a text. Without ``wait`` nothing is told until the model is there."""
        model = self._model
        if model is None:
            if not wait:
                self._load_aside()
                return Told()
            model = self.load()
        code, probability = model.classify(text[:LONGEST])
        if probability < LIKELY or code == _NO_LANGUAGE:
            return Told()
        return Told(_ALIKE.get(code, code), probability >= SURE)

    def load(self) -> LanguageIdentifier:
        """The model; whoever comes while it is loaded waits."""
        with self._loading:
            if self._model is None:
                self._model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
            return self._model

    def _load_aside(self) -> None:
        if not self._begun:
            self._begun = True
            Thread(target=self.load, name="languages", daemon=True).start()


detector = Detector()
