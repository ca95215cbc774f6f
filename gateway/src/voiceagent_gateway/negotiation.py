"""Which of two forms a reader wants, by its Accept header. Pure."""

from enum import Enum


class Form(Enum):
    """The forms in which metrics are given."""

    JSON = "json"
    PROMETHEUS = "prometheus"
    OPENMETRICS = "openmetrics"


_FORM_OF = {
    "application/json": Form.JSON,
    "text/plain": Form.PROMETHEUS,
    "application/openmetrics-text": Form.OPENMETRICS,
}


def preferred_form(accept: str) -> Form:
    """The form that the header prefers; JSON where it likes another no better, or says nothing of any."""
    best, best_quality = Form.JSON, 0.0
    for media_type, quality in _ranges(accept):
        form = _FORM_OF.get(media_type)
        if form is None or quality <= 0:
            continue
        if quality > best_quality or (quality == best_quality and form is Form.JSON):
            best, best_quality = form, quality
    return best


def prefers(accept: str, media_type: str) -> bool:
    """Whether the header names the media type, and likes JSON less."""
    qualities: dict[str, float] = {}
    for named, quality in _ranges(accept):
        qualities[named] = max(quality, qualities.get(named, 0.0))
    return qualities.get(media_type, 0.0) > qualities.get("application/json", 0.0)


def _ranges(accept: str) -> list[tuple[str, float]]:
    ranges = []
    for part in accept.split(","):
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        ranges.append((media_type, quality))
    return ranges
