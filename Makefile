# The course's commands; `make help` lists them. All they need is make and Python 3.11, 3.12 or 3.13.
#   VENV=folder     where the environment lives (default .venv)
#   PYTHON=python3  the Python to make it with (default: the newest that suits)
#   WORKERS=2       how many processes `make test` uses

VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/bin
# an environment is good for one set of requirements; its stamps, written last, carry their hash
KEY := $(shell cat constraints.txt pyproject.toml | { sha256sum 2>/dev/null || shasum -a 256; } | cut -c1-16)
STAMP = $(VENV)/.ftlib-$(1)-$(KEY)

# JupyterLab opens a browser where there is a screen; otherwise it prints the address
HEADLESS := $(shell test "$$(uname)" = Linux && test -z "$$DISPLAY$$WAYLAND_DISPLAY" && echo --no-browser)
AS_ROOT := $(shell test "$$(id -u)" = 0 && echo --allow-root)

.PHONY: help lab test browser lessons teach reading release bench kit test-colab test-newest test-lowest install-lab install-test
.DEFAULT_GOAL := help

help:
	@echo "make lab               install the course and open your copy of it in JupyterLab"
	@echo "make test              install it and run all tests and all lessons"
	@echo "make browser           open lessons in a real browser: 00, 03 and what you changed; ALL=1 or ONLY=\"03 06\""
	@echo "make lessons           run all lessons again and save them"
	@echo "make lessons ONLY=03   the same for one lesson, or several: ONLY=\"03 06\""
	@echo "make teach             make the teacher's kit: guides, plans, slides, a student and an instructor edition"
	@echo "make reading           make build/html, a copy of the lessons for reading without a network"
	@echo "make release           everything that is slow: all tests, a row of each record, every lesson in the browser, the student edition, four kernels"
	@echo "make bench             compare the speed of fit with other trainers"
	@echo "make kit               one folder, build/kit, that starts the course without a network"
	@echo "make kit PLATFORMS=\"linux mac windows\" PYTHONS=\"3.11 3.13\"   for a room of mixed laptops"
	@echo "make test-colab        run lessons with what Colab ships; ONLY=\"03 06\" chooses them"
	@echo "make test-newest       all tests and lessons with the newest release of everything; ONLY=tests chooses paths"
	@echo "make test-lowest       the same with the lowest versions that pyproject.toml allows"

# opens the learner's copy of the lessons, also where the check finds something wrong
lab: install-lab
	@"$(BIN)/python" -m ftlib doctor --quiet || echo "Starting anyway."
	@"$(BIN)/python" -m ftlib workspace
	@"$(BIN)/jupyter" lab $(HEADLESS) $(AS_ROOT) --LabApp.news_url=None \
	  --ServerApp.root_dir=work --LabApp.default_url=/lab/tree/00_start_here.ipynb

test: install-test
	@"$(BIN)/python" -m pytest -n $(WORKERS) --dist loadscope --nbval-lax tests lessons

# pictures of what the browser showed go to build/browser; skipped where there is no Chromium or Chrome
browser: install-test
	@FTLIB_BROWSER_LESSONS="$(or $(if $(ALL),all),$(ONLY),$(FTLIB_BROWSER_LESSONS))" "$(BIN)/python" -m pytest -rs tests/browser

lessons: install-test
	@"$(BIN)/python" -m authoring lessons $(if $(ONLY),--only $(ONLY))

teach: install-lab
	@"$(BIN)/python" -m authoring teach $(if $(ONLY),--only $(ONLY))

reading: install-lab
	@"$(BIN)/python" -m authoring reading $(if $(ONLY),--only $(ONLY))

# the tests open every lesson in the browser
release: export FTLIB_BROWSER_LESSONS := all
release: test
	@"$(BIN)/python" -m authoring teach --run
	@FTLIB_SLOW=1 "$(BIN)/python" -m pytest -s tests/test_room.py
	@FTLIB_SLOW=1 "$(BIN)/python" -m pytest -n $(WORKERS) tests/test_records.py tests/test_own_fuzz.py

# lightning and fastai take part where they are installed
bench: install-test
	@OMP_NUM_THREADS=1 "$(BIN)/python" tests/bench

# wheels, course and start scripts, for the current machine or those in PLATFORMS and PYTHONS, in the folder KIT
KIT ?= build/kit
kit: install-lab
	@"$(BIN)/python" -m authoring kit --folder "$(KIT)" $(if $(PLATFORMS),--platforms $(PLATFORMS)) \
	  $(if $(PYTHONS),--pythons $(PYTHONS))

# needs the network, and several GB of disk in build/versions
test-colab: install-test
	@"$(BIN)/python" tests/versions colab $(if $(PYTHON),--python $(PYTHON)) $(if $(ONLY),--only $(ONLY))

# all tests and lessons with the newest release of everything, or with the lowest that pyproject.toml allows
OTHER_VERSIONS = "$(BIN)/python" tests/versions $(1) --workers $(WORKERS) $(if $(PYTHON),--python $(PYTHON)) $(if $(ONLY),--only $(ONLY))
test-newest: install-test
	@$(call OTHER_VERSIONS,newest)
test-lowest: install-test
	@$(call OTHER_VERSIONS,lowest)

# Installs once per set of requirements. An environment made for another checkout is pointed at this one.
install-lab install-test: install-%:
	@{ test -e "$(call STAMP,$*)" && "$(BIN)/python" -c "" 2>/dev/null; } || $(MAKE) --no-print-directory build EXTRA=$*
	@"$(BIN)/python" -I -c "import ftlib, os, sys; sys.exit(not os.path.samefile(os.path.dirname(ftlib.__path__[0]), '$(CURDIR)'))" \
	  2>/dev/null || "$(BIN)/uv" pip install -q --python "$(BIN)/python" --no-deps -e . \
	  || "$(BIN)/python" -m pip install -q --no-deps -e .
	@test -e "$(call STAMP,files)" || $(MAKE) --no-print-directory carried

# Wheels that only carry a file may be gone some day: without them the course starts, and says which lessons wait.
.PHONY: carried
carried:
	@{ "$(BIN)/uv" pip install -q --python "$(BIN)/python" -c constraints.txt -e ".[files]" \
	  || "$(BIN)/python" -m pip install -q -c constraints.txt -e ".[files]"; } && touch "$(call STAMP,files)" \
	  || echo "Not all models and data could be fetched: the course starts without, tries again at the next start, and 'python -m ftlib doctor' says which lessons wait." >&2

.PHONY: build
build:
	@python=$$(for p in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
	  "$$p" -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))" >/dev/null 2>&1 && { echo "$$p"; break; }; done); \
	test -n "$$python" || { echo "The course needs Python 3.11, 3.12 or 3.13, and found none: install one from python.org and run this again." >&2; exit 1; }; \
	if ls "$(VENV)"/.ftlib-*-* >/dev/null 2>&1 && "$(BIN)/python" -c "" 2>/dev/null; then \
	  rm -f "$(VENV)"/.ftlib-*-*; \
	elif test -e "$(VENV)" && ! test -e "$(VENV)/.ftlib" && test -n "$$(ls -A "$(VENV)")"; then \
	  echo "$(VENV) exists and was not made by the course: move it away, or choose another folder with VENV=..." >&2; exit 1; \
	else \
	  rm -rf "$(VENV)" && mkdir -p "$(VENV)" && touch "$(VENV)/.ftlib" && echo "Making the environment $(VENV) with $$python ..." && \
	  "$$python" -m venv "$(VENV)" || { echo "Python could not make an environment; on Debian and Ubuntu: apt install python3-venv." >&2; exit 1; }; \
	fi
	@echo "Installing the course; the first time takes a few minutes ..."
	@"$(BIN)/python" -m pip install -q --disable-pip-version-check -c constraints.txt uv
	@set -- --python "$(BIN)/python" -c constraints.txt -e ".[$(EXTRA)]"; \
	"$(BIN)/uv" pip install --compile-bytecode --torch-backend=auto "$$@" || { \
	  echo "That index of torch builds is out of reach; taking torch from the usual one." >&2; \
	  "$(BIN)/uv" pip install --compile-bytecode "$$@"; } || { \
	  echo "uv could not install the course; trying pip, which reads your pip settings." >&2; \
	  "$(BIN)/python" -m pip install -c constraints.txt -e ".[$(EXTRA)]"; }
	@touch $(if $(filter test,$(EXTRA)),"$(call STAMP,test)") "$(call STAMP,lab)"
