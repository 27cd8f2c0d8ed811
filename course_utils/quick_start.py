"""Import this before nbformat or JupyterLab: it spares the process two seconds on a slow machine.

`import nbformat` imports jsonschema, and that the package rfc3987-syntax where it is installed (JupyterLab requires
it), which builds 38 parsers when it is imported. It checks the formats "iri" and "iri-reference", which no schema of
Jupyter uses; where the package cannot be imported, jsonschema goes without those two.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # ty: ignore[no-matching-overload]  None: cannot be imported
