"""moto's server. Its ValidateTemplate answers without linting: it would refuse a template for a warning.

What lints the template is test/template.
"""

import sys

from moto.cloudformation import models
from moto.server import main

models.validate_template_cfn_lint = lambda template: []

main(sys.argv[1:])
