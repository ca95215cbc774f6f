"""From a plan to the children that it wants: pure, one file a child."""

from voiceagent_operator.build.children import Children, build_children

__all__ = ["Children", "build_children"]
