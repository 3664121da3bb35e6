"""What subjects look like: skin and fur, hair, clothes; sampled, whatever the pose."""

from mvboot.synthetic.looks.look import Look, Piece
from mvboot.synthetic.looks.sample import sample_look

__all__ = ["Look", "Piece", "sample_look"]
