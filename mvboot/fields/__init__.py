"""Dense fields: for each pixel the point of the subject's surface that it shows."""

from mvboot.fields.convert import converted
from mvboot.fields.crop import Crop
from mvboot.fields.field import DenseField, FieldValues
from mvboot.fields.files import read_field, read_iuv, write_field, write_iuv

__all__ = [
    "Crop",
    "DenseField",
    "FieldValues",
    "converted",
    "read_field",
    "read_iuv",
    "write_field",
    "write_iuv",
]
