"""What the API server asks a conversion webhook, and its answer (apiextensions.k8s.io/v1 ConversionReview). Pure."""

from collections.abc import Mapping
from typing import Any, Final

from voiceagent_api.conversion import ConversionError, Object, Versions
from voiceagent_api.names import GROUP

API_VERSION: Final = "apiextensions.k8s.io/v1"
KIND: Final = "ConversionReview"


def answer(review: Any, versions: Versions) -> Object:
    """All objects in the desired version, or why one cannot be had. Raises ConversionError where it is no review."""
    request = review.get("request") if isinstance(review, Mapping) else None
    if not isinstance(request, Mapping) or not isinstance(request.get("objects"), list) or "uid" not in request:
        raise ConversionError(f"This is no {KIND} of {API_VERSION} with a request.")
    group, _, wanted = str(request.get("desiredAPIVersion", "")).partition("/")
    try:
        if group != GROUP:
            raise ConversionError(f"Objects of {group} are not converted here, only those of {GROUP}.")
        said = {
            "convertedObjects": [versions.convert(item, wanted) for item in request["objects"]],
            "result": {"status": "Success"},
        }
    except ConversionError as error:
        said = {"convertedObjects": [], "result": {"status": "Failure", "message": str(error)}}
    return {"apiVersion": API_VERSION, "kind": KIND, "response": {"uid": request["uid"], **said}}
