PYTHON ?= python3

setup:  ## create .venv with everything, build the front end
	@$(PYTHON) .ci/setup.py test frontend
.PHONY: setup
