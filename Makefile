# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# `make help` lists what there is to make. Everything made goes to build/ (or BUILD=/another/folder).

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
# Keep the stamps of the environments, which make takes for intermediate files.
.SECONDARY:
# Targets share the mirror of the collection and the environments.
.NOTPARALLEL:
.DEFAULT_GOAL := help

BUILD ?= $(CURDIR)/build
override BUILD := $(abspath $(BUILD))
PYBIN := $(BUILD)/pybin
CONTROL := $(PYBIN)/python-control
VENV := $(BUILD)/venv
DEV := $(VENV)/dev/bin
UV := $(VENV)/uv/bin/uv
# The collection where Ansible's tools want it: a mirror of the files that git knows. Two runs of ansible-test at the same
# time need a mirror each, since they would share tests/output.
COLLECTIONS ?= $(BUILD)
TREE := $(COLLECTIONS)/ansible_collections/gvisor/runsc
# The ansible-core releases that are tested: the oldest that knows Python 3.8, and the newest.
OLDEST := 2.19
NEWEST := 2.21
BUSYBOX := /bin/busybox
LOCKS := uv dev demo core-$(OLDEST) core-$(NEWEST)
# Further arguments for the tools, and the integration targets or test files to run; empty is all.
T ?=
SANITY_ARGS ?=
UNITS_ARGS ?=
INTEGRATION_ARGS ?=
PYTEST_ARGS ?=

# Downloads are worth keeping over `make clean`; nothing else of the user's home is read or written: a git, Ansible or
# pip configuration there, or a collection installed there, can't change a result.
ifndef UV_CACHE_DIR
UV_CACHE_DIR := $(or $(HOME),$(BUILD))/.cache/uv
endif
export UV_CACHE_DIR
export HOME := $(COLLECTIONS)/home
# Before the first of PATH, or a version manager's shims are taken for interpreters: see tools/pybin.sh.
export PATH := $(PYBIN):$(PATH)
export UV_PYTHON_DOWNLOADS := never
export LC_ALL := C.UTF-8
export NO_COLOR := 1
# Compiled files go here and not beside the sources. Without them each start of Ansible takes a second more.
export PYTHONPYCACHEPREFIX := $(BUILD)/pycache
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export ANSIBLE_COLLECTIONS_PATH := $(COLLECTIONS)
export ANSIBLE_FORCE_COLOR := 0
export ANSIBLE_LOCALHOST_WARNING := 0
export ANSIBLE_INVENTORY_UNPARSED_WARNING := 0
export DEBIAN_ROOTFS := $(BUILD)/debian/rootfs.tar
# A Debian that boots, for the roles.
export DEBIAN_NODE := $(BUILD)/debian/node.tar
export CORE_SOURCE := $(BUILD)/core-source
# For tests/system; ansible-test strips the environment, so the integration targets get both as variables.
export RUNSC_VERSIONS_FILE := $(BUILD)/runsc/versions.json
export BUSYBOX
export MOLECULE_FOLDER := $(BUILD)/molecule
# PID 1 of a container may be slow to reap, or never do it. What starts sandboxes runs below a reaper of its own.
REAPER := tini -s --

.PHONY: help demo test setup versions apt pybin tree gittree runsc lock clean \
	debian engines lint fix docs coverage unit sanity units connection system faults integration molecule bench bench-growth bench-tuning dist

help: ## list the targets
	@echo 'usage: make TARGET [BUILD=FOLDER] [T="NAME..."]'
	echo
	sed -nE 's/^([a-z%-]+):.*## (.*)/  \1\t\2/p' Makefile | expand -t 18
	echo
	echo 'T selects: make integration T="runsc_exec runsc_info", make unit T=tests/unit/plugins/modules'

demo: $(VENV)/demo/.stamp tree ## set up this machine (as root) and run playbooks/demo.yml on it
	@[ "$$(id -u)" = 0 ] || { echo 'make demo installs packages and starts sandboxes: run it as root' >&2; exit 1; }
	tools/apt_install.sh runsc busybox-static skopeo tini umoci
	cd $(TREE)
	play() { ANSIBLE_CALLBACK_RESULT_FORMAT=yaml $(REAPER) $(VENV)/demo/bin/ansible-playbook -i inventory/localhost.yml "$$@" </dev/null; }
	# Ansible does not run "always" when it is interrupted.
	play playbooks/demo.yml || { code=$$?; play playbooks/demo.yml --tags remove; exit $$code; }

test: $(PYBIN)/.stamp ## set up and run every test, as CI does
	@MAKE='$(MAKE)' $(CONTROL) tools/run_steps.py '$(BUILD)' '$(OLDEST)' '$(NEWEST)'

lint: $(VENV)/dev/.stamp gittree ## ruff, yamllint, shellcheck, mypy, ansible-lint, changelog fragments
	@cd $(TREE)
	PATH=$(DEV):$$PATH
	failed=0
	ruff check --no-cache . || failed=1
	ruff format --no-cache --check . || failed=1
	yamllint --strict . || failed=1
	shellcheck tools/*.sh .ci/run || failed=1
	python-control tools/run_mypy.py $(DEV)/mypy || failed=1
	antsibull-changelog lint || failed=1
	ansible-lint --offline || failed=1
	exit $$failed

fix: $(VENV)/dev/.stamp ## let ruff mend and format the Python files of the checkout
	$(DEV)/ruff check --no-cache --fix .
	$(DEV)/ruff format --no-cache .

docs: $(VENV)/dev/.stamp gittree ## check the plugins' documentation and its references
	@cd $(TREE)
	PATH=$(DEV):$$PATH
	antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=all --disallow-unknown-collection-refs .

coverage: $(VENV)/dev/.stamp gittree ## check that each option of a module occurs in a test, each variable of a role in a scenario
	@$(DEV)/python $(TREE)/tools/check_option_coverage.py

unit: $(VENV)/dev/.stamp gittree ## unit tests on one Python: the fast loop
	@cd $(TREE)
	PYTHONPATH=$(COLLECTIONS) $(DEV)/pytest -q -n 2 --junitxml=$(BUILD)/junit/unit.xml $(PYTEST_ARGS) $(or $(T),tests/unit)
	$(CONTROL) tools/check_junit.py $(BUILD)/junit/unit.xml

sanity: sanity-$(NEWEST) ## ansible-test sanity with the newest ansible-core; sanity-2.19 for the oldest

# What the newest ansible-core does not know: Python 3.8, and the older documentation schema and pylint.
sanity-$(OLDEST): SANITY_ARGS += --test validate-modules --test import --test compile --test pylint
sanity-%: $(VENV)/core-%/.stamp gittree
	@cd $(TREE)
	export PATH=$(VENV)/core-$*/bin:$$PATH
	ansible-test sanity --local --color no $(SANITY_ARGS) </dev/null 2>&1 | tee $(BUILD)/sanity-$*.log
	if grep -F 'Required program' $(BUILD)/sanity-$*.log; then exit 1; fi

units: units-$(NEWEST) ## unit tests on every Python of the newest ansible-core; units-2.19 for the oldest

units-%: $(VENV)/core-%/.stamp gittree
	@cd $(TREE)
	rm -f tests/output/junit/*
	$(VENV)/core-$*/bin/ansible-test units --venv --color no $(UNITS_ARGS) $(T) </dev/null
	$(CONTROL) tools/check_junit.py tests/output/junit/*-units.xml

system: ## driver, modules, documentation: against real runsc, each version
system: FIRST := tests/modules
system: SECOND := tests/system tests/pages tests/docs tests/inventory
connection: ## commands, files and plays in sandboxes, here and over ssh: against real runsc, each version
connection: FIRST := $(addprefix tests/connection/test_,plays.py killed.py original_target.py)
connection: SECOND := tests/connection $(addprefix --ignore=,$(FIRST))
connection: $(CORE_SOURCE)/.stamp
system connection: $(VENV)/dev/.stamp gittree runsc apt debian
	@cd $(TREE)
	# -e does not hold in a function whose failure is handled, hence the &&.
	run() {
		PYTHONPATH=$(COLLECTIONS) $(REAPER) $(DEV)/pytest -p ansible_collections.gvisor.runsc.tests.interruptible \
			--junitxml=$(BUILD)/junit/$@-$$1.xml $(PYTEST_ARGS) "$${@:2}" </dev/null &&
			$(CONTROL) tools/check_junit.py $(BUILD)/junit/$@-$$1.xml
	}
	if [ -n '$(T)' ]; then run some $(T); exit; fi
	# Half of the time is spent waiting, so both halves take hardly longer than one.
	run first $(FIRST) >$(BUILD)/$@-first.log 2>&1 & first=$$!
	run second $(SECOND) && failed=0 || failed=1
	wait $$first || failed=1
	cat $(BUILD)/$@-first.log
	exit $$failed

faults: ## kill each module a hundred times at random moments: about 15 minutes
	@FAULT_ROUNDS=$${FAULT_ROUNDS:-100} $(MAKE) system T=tests/modules/test_killed.py

integration: integration-$(NEWEST) ## playbooks against real runsc, newest ansible-core; integration-2.19 for the oldest

# The newest ansible-core manages its own Python with the newest runsc, the oldest the oldest Python that is here with the
# oldest runsc. RUNSC= tests each with all.
integration-$(OLDEST): RUNSC := 0
integration-%: RUNSC := -1
integration-%: $(VENV)/core-%/.stamp gittree runsc apt debian
	@cd $(TREE)
	args=--local
	if [ $* = $(OLDEST) ]; then
		control=$$(readlink $(CONTROL))
		managed=$$(cd $(PYBIN) && ls -v python3.* | sed -n 1p)
		args="--controller origin:python=$${control#python} --target controller:python=$${managed#python}"
	fi
	$(CONTROL) tools/integration_config.py $(RUNSC_VERSIONS_FILE) $(BUSYBOX) $(DEBIAN_ROOTFS) $(RUNSC) \
		>tests/integration/integration_config.yml
	$(REAPER) $(VENV)/core-$*/bin/ansible-test integration --allow-root --color no $$args $(INTEGRATION_ARGS) $(T) \
		</dev/null 2>&1 | tee $(BUILD)/integration-$*.log
	if grep -F 'WARNING: Excluding' $(BUILD)/integration-$*.log; then exit 1; fi

# The long ones first, so that two at a time end at about the same time.
molecule: FIRST := install service containerd docker
molecule: $(VENV)/dev/.stamp gittree runsc apt engines debian ## roles against real engines; T="docker podman" selects scenarios
	@cd $(TREE)
	PATH=$(DEV):$$PATH
	scenarios='$(T)'
	[ -n "$$scenarios" ] || scenarios=$$(cd extensions/molecule && echo $(FIRST) && ls -d */create.yml | cut -d / -f 1 | grep -vxF $(FIRST:%=-e %))
	$(REAPER) tools/molecule_scenarios.sh $(BUILD)/molecule-logs $$scenarios

# Nothing fails because something is slow: that depends on the machine. See docs/performance.md.
bench: BENCHMARKS := validation ratios
bench: ## compare with raw runsc and with tasks that do nothing, as root: ten minutes at most
bench-growth: BENCHMARKS := growth
bench-growth: ## measure how cost and memory grow with the number of sandboxes
bench-tuning: BENCHMARKS := tuning
bench-tuning: ## measure what options of Ansible and of runsc change
bench bench-growth bench-tuning: $(VENV)/dev/.stamp gittree runsc apt debian
	@for benchmark in $(BENCHMARKS); do
		PYTHONPATH=$(COLLECTIONS) $(REAPER) $(DEV)/python $(TREE)/tests/benchmarks/$$benchmark.py $(T) </dev/null
	done

dist: $(VENV)/dev/.stamp tree ## build the collection, check it with galaxy-importer, install it
	@rm -rf $(BUILD)/dist
	mkdir -p $(BUILD)/dist/importer
	$(CONTROL) tools/sync_tree.py $(BUILD)/dist/source
	PATH=$(DEV):$$PATH
	cd $(BUILD)/dist
	# What a checkout holds when its tests have been run.
	mkdir source/build && touch source/build/left
	ansible-galaxy collection build --output-path . source
	if tar -tf *.tar.gz | grep '^build'; then exit 1; fi
	cd importer
	GALAXY_IMPORTER_CONFIG=$(BUILD)/dist/source/tests/galaxy-importer.cfg python -m galaxy_importer.main ../*.tar.gz
	cd ..
	export ANSIBLE_COLLECTIONS_PATH=$(BUILD)/dist/installed
	ansible-galaxy collection install --offline *.tar.gz
	ansible-doc --type module --list gvisor.runsc
	ansible-builder introspect installed

runsc: $(PYBIN)/.stamp ## fetch each runsc version that this Debian release offers
	@$(CONTROL) tools/fetch_runsc.py $(BUILD)/runsc

debian: tree apt ## make root file systems of Debian for the tests: one with python3, one that boots and takes ssh
	@make_rootfs() { PYTHONPATH=$(COLLECTIONS) $(CONTROL) $(TREE)/tools/debian_rootfs.py "$$@"; }
	# python3-minimal lacks json, zipfile and more of what Ansible's modules import.
	make_rootfs $(DEBIAN_ROOTFS) python3 python3-apt sudo
	make_rootfs $(DEBIAN_NODE) python3 python3-apt systemd-sysv dbus openssh-server ca-certificates

# The source of the ansible-core in the dev environment: its packages lack its tests.
$(CORE_SOURCE)/.stamp: requirements/dev.txt $(UV)
	@rm -rf $(@D)
	mkdir -p $(@D)
	sed -n '/^ansible-core==/,/[^\\]$$/p' requirements/dev.txt >$(@D)/requirements.txt
	timeout 300 $(VENV)/uv/bin/pip download -q --require-hashes --no-deps --no-binary ansible-core \
		-r $(@D)/requirements.txt -d $(@D) </dev/null
	tar -x -C $(@D) --strip-components=1 -f $(@D)/ansible_core-*.tar.gz
	touch $@

apt: ## install the Debian packages that tests need
	@tools/apt_install.sh git tini busybox-static openssh-client openssh-server skopeo umoci mmdebstrap systemd-container gnupg sudo

# The scenarios start daemons of their own, apart from those that the machine may run.
engines: ## install the container engines that the roles are tested with; docker is installed by its scenario
	@tools/apt_install.sh containerd podman netavark

setup: apt $(VENV)/dev/.stamp gittree runsc debian ## all that the tests need; with core-2.19 core-2.21 for these venvs, too

core-%: $(VENV)/core-%/.stamp ;

versions: ## say what is tested with what
	@tools/versions.sh $(PYBIN) $(VENV) $(BUSYBOX)
	$(CONTROL) tools/fetch_runsc.py $(BUILD)/runsc

tree: $(PYBIN)/.stamp ## mirror the collection to build/ansible_collections/gvisor/runsc
	@$(CONTROL) tools/sync_tree.py $(TREE)

# ansible-test asks git which files there are. In a mirror without a repository of its own it would ask the checkout's,
# which ignores build/, and pass with no file tested.
gittree: tree
	@[ -e $(TREE)/.git ] || git init -q $(TREE)
	git -C $(TREE) ls-files --cached --others --exclude-standard | grep -c '^plugins/.*\.py$$' >/dev/null \
		|| { echo 'no plugins in $(TREE)' >&2; exit 1; }
	mkdir -p $(BUILD)/junit ~/.ansible/test/cache
	# The pip that ansible-test runs sees no environment, but does see this.
	mkdir -p ~/.config/pip
	printf '[global]\nquiet = 1\nprogress_bar = off\n' >~/.config/pip/pip.conf
	for version in 24_2 25_2; do cp tools/get_pip_shim.py ~/.ansible/test/cache/get_pip_$$version.py; done

pybin: ## look again for the machine's Python interpreters
	@rm -f $(PYBIN)/.stamp
	$(MAKE) --no-print-directory $(PYBIN)/.stamp

$(PYBIN)/.stamp: tools/pybin.sh
	@mkdir -p $(BUILD) ~
	tools/pybin.sh $(PYBIN) || { tools/apt_install.sh python3-venv && tools/pybin.sh $(PYBIN); }
	touch $@

$(UV): $(PYBIN)/.stamp requirements/uv.txt
	@$(CONTROL) -m venv --clear $(VENV)/uv
	timeout 300 $(VENV)/uv/bin/pip install -q --require-hashes -r requirements/uv.txt </dev/null
	touch $@

$(VENV)/%/.stamp: requirements/%.txt $(UV)
	@$(UV) venv -q --clear --python $(CONTROL) $(VENV)/$*
	timeout 300 $(UV) pip install -q --require-hashes --python $(VENV)/$* -r $< </dev/null
	touch $@

# With universal locks one file serves every control Python. The newest ansible-core needs 3.12.
LOCK_PYTHON = 3.11
lock-core-$(NEWEST): LOCK_PYTHON = 3.12
lock: $(LOCKS:%=lock-%) ## renew requirements/*.txt from requirements/*.in
lock-%: $(UV)
	@$(UV) pip compile -q --upgrade --universal --fork-strategy requires-python --python $(CONTROL) \
		--python-version $(LOCK_PYTHON) --generate-hashes --no-emit-index-url --no-annotate --no-header \
		requirements/$*.in -o requirements/$*.txt

clean: ## remove all that was made
	rm -rf $(BUILD)
