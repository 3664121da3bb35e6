"""What subjects look like: skin and fur, hair, clothes; sampled, whatever the pose."""

from mvboot.synthetic.studio.appearance.look import Look, Piece
from mvboot.synthetic.studio.appearance.sample import sample_look

__all__ = ["Look", "Piece", "sample_look"]
