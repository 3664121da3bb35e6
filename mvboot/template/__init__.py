"""Templates: a mesh with canonical coordinates, bones and shape, from a file or of any mesh."""

from mvboot.mesh.nearest import Located
from mvboot.template.build import template_of_mesh
from mvboot.template.charts import Charts
from mvboot.template.skeleton import Skeleton, bone_axes, sparse_weights
from mvboot.template.store import load_template
from mvboot.template.template import Canonical, Template, require_topology

__all__ = [
    "Canonical",
    "Charts",
    "Located",
    "Skeleton",
    "Template",
    "bone_axes",
    "load_template",
    "require_topology",
    "sparse_weights",
    "template_of_mesh",
]
