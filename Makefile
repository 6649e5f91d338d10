# SPDX-License-Identifier: PostgreSQL
#
# pg_steward: the build of the extension (PGXS) and the front door of its tools. `make help` lists what there is.

.DEFAULT_GOAL := all

# What is done by a script, needs no server package to start with, and installs what it needs.
HOUSE_GOALS := check check-exports check-versions demo unit fuzz bench format lint conf packages help

ifneq ($(filter $(HOUSE_GOALS),$(MAKECMDGOALS)),)

# ---- Tools -----------------------------------------------------------------------------------------------------------

.PHONY: $(MAKECMDGOALS)
.NOTPARALLEL:

help:
	@scripts/help

packages: ## install the packages that building and testing need
	@scripts/install-packages build unit test lint

demo: ## the main job on real data, in a throwaway server
	@scripts/demo

check: ## every test and lint there is
	@scripts/check

check-versions: ## pg_regress and TAP on PostgreSQL 13, 17 and 18, in chroots (needs root or sudo)
	@scripts/check-versions

check-exports: ## what leaves the library is what src/exports.map says
	@scripts/check exports

unit: ## unit tests and fuzz corpora of the pure code under ASan and UBSan
	@scripts/check unit

fuzz: ## look for inputs that break the pure code (TIME=60, FUZZ="name ..."; needs clang)
	@scripts/fuzz $(or $(TIME),60) $(FUZZ)

lint: ## clang-format, clang-tidy, shellcheck, SQL and file lints
	@scripts/check lint

format: ## let clang-format rewrite the sources
	@scripts/format

conf: ## write deploy/postgresql.conf anew from the formulas of src/tune
	@scripts/deployed-conf >build/postgresql.conf.new && mv build/postgresql.conf.new deploy/postgresql.conf

bench: ## run the scripts of test/bench against a throwaway server (BENCH="name ...")
	@scripts/bench $(BENCH)

# `make clean check`: everything else in the same command goes through PGXS, in the order given.
ifneq ($(filter-out $(HOUSE_GOALS),$(MAKECMDGOALS)),)
$(filter-out $(HOUSE_GOALS),$(MAKECMDGOALS)):
	+@$(MAKE) --no-print-directory $@
endif

else

# ---- Extension -------------------------------------------------------------------------------------------------------

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifeq ($(wildcard $(PGXS)),)
$(error $(PG_CONFIG) or the PostgreSQL server headers are missing: `make packages` installs them)
endif

EXTENSION := pg_steward
MODULE_big := pg_steward
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" pg_steward.control)
PG_MAJOR := $(shell $(PG_CONFIG) --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
ifneq ($(shell test $(PG_MAJOR) -ge 13 && echo yes),yes)
$(error pg_steward needs PostgreSQL 13 or newer, $(PG_CONFIG) is of $(PG_MAJOR))
endif

# Objects of each major, and of each kind of build, live apart: `make O=build/strict WERROR=1` disturbs no other build.
O ?= build/pg$(PG_MAJOR)
SOURCES := $(sort $(wildcard src/*.cpp src/*/*.cpp))
SOURCES := $(filter-out src/client/%,$(SOURCES))

# A room is compiled as two files, its pure code and its edge: that takes a quarter of the time. These have flags of their own.
APART := src/module.cpp src/base/fmt.cpp
ROOMS := $(sort $(notdir $(patsubst %/,%,$(filter-out src/,$(dir $(SOURCES))))))
pure_in = $(filter-out %_pg.cpp $(APART),$(filter src/$(1)/%,$(SOURCES)))
edge_in = $(filter src/$(1)/%_pg.cpp,$(SOURCES))
UNITS := $(foreach room,$(ROOMS),$(if $(call pure_in,$(room)),$(room)) $(if $(call edge_in,$(room)),$(room)_pg))
OBJS := $(APART:%.cpp=$(O)/%.o) $(UNITS:%=$(O)/unity/%.o)

SQL_PARTS := $(sort $(wildcard sql/[0-9]*.sql))
SQL_INSTALL := pg_steward--$(EXTVERSION).sql
DATA_built := $(SQL_INSTALL)
DATA := $(wildcard sql/upgrade/pg_steward--*--*.sql)

# The bitcode step needs the server's clang and gains nothing here: no expression is worth inlining into.
override with_llvm = no

PG_CPPFLAGS := -Isrc -isystem $(shell $(PG_CONFIG) --includedir-server)
# Before 16 the server gives SQL functions no visibility of their own.
ifneq ($(shell test $(PG_MAJOR) -lt 16 && echo yes),)
PG_CPPFLAGS += '-DPGDLLEXPORT=__attribute__((visibility("default")))'
endif
PG_CXXFLAGS := -std=c++20 -Wall -Wextra -Wno-register -fvisibility=hidden -fvisibility-inlines-hidden
ifneq ($(filter true 1,$(CI) $(WERROR)),)
# A test's build needs no debug information, which is a quarter of the compiler's time.
PG_CXXFLAGS += -Werror -g0
endif
# PGXS links with the C compiler.
SHLIB_LINK += -lstdc++ -Wl,--version-script=src/exports.map
# What asks other servers; PGXS knows the name.
SHLIB_LINK_INTERNAL = $(libpq)

REGRESS := $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS := --inputdir=test --load-extension=pg_steward
ISOLATION := $(if $(wildcard $(dir $(PGXS))../test/isolation/pg_isolation_regress), \
    $(sort $(patsubst test/specs/%.spec,%,$(wildcard test/specs/*.spec))))
# Expected results are looked for below the output directory; PGXS would have it elsewhere.
ISOLATION_OPTS := --inputdir=test --outputdir=. --load-extension=pg_steward
ifeq ($(strip $(ISOLATION)),)
override undefine ISOLATION
endif
# TAP tests make clusters of their own, which root may not: `make check` runs them as another user then.
ifneq ($(wildcard test/t/*.pl),$(if $(filter 0,$(shell id -u)),$(wildcard test/t/*.pl)))
TAP_TESTS := 1
PROVE_TESTS := test/t/*.pl
endif

EXTRA_CLEAN := build pg_steward--*.sql

include $(PGXS)

# Auto-dependencies, which PGXS has only where the server was built with them; and a rebuild when the flags change.
COMPILE_CXX = $(CXX) $(CXXFLAGS) $(CPPFLAGS)
$(O)/src/%.o: src/%.cpp $(O)/flags
	@mkdir -p $(@D)
	$(COMPILE_CXX) -MMD -MP -c -o $@ $<

# Each is rewritten only when a file of its room came or went.
$(UNITS:%=$(O)/unity/%.cpp): $(O)/unity/%.cpp: build-always
	@mkdir -p $(@D)
	@printf '#include "%s"\n' $(if $(filter %_pg,$*),$(call edge_in,$(*:_pg=)),$(call pure_in,$*)) >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(O)/unity/%.o: $(O)/unity/%.cpp $(O)/flags
	$(COMPILE_CXX) -MMD -MP -c -o $@ $<

# What is compiled, written and named, for what reads it as the compiler does.
.PHONY: units
units: $(UNITS:%=$(O)/unity/%.cpp)
	@printf '%s\n' $(APART) $^

# Each file by itself, so that none comes to depend on what its neighbours include.
CHECKED := $(SOURCES:%.cpp=$(O)/%.checked)
.PHONY: alone
alone: $(CHECKED)
$(CHECKED): $(O)/%.checked: %.cpp $(O)/flags
	@mkdir -p $(@D)
	$(COMPILE_CXX) -MMD -MP -MF $(@:.checked=.d) -MT $@ -fsyntax-only $<
	@touch $@

# The one object that knows the version, so that the others stay good for a compiler cache.
$(O)/src/module.o $(O)/src/module.checked: CPPFLAGS += -DSTEWARD_VERSION='"$(EXTVERSION)"'
$(O)/src/module.o: pg_steward.control

# The objects that know libpq.
$(O)/src/route/peer_pg.checked $(O)/src/route/remote_pg.checked $(O)/unity/route_pg.o: CPPFLAGS += -isystem $(shell $(PG_CONFIG) --includedir)

# The one object that {fmt} is compiled in, for all the others.
$(O)/src/base/fmt.o: CXXFLAGS += -fkeep-inline-functions -fno-inline

-include $(OBJS:.o=.d) $(CHECKED:.checked=.d)

pg_steward$(DLSUFFIX): src/exports.map build/linked-for

# Two files that are touched only when what they hold changes.
BUILT_WITH := $(CXX) $(shell $(CXX) -dumpfullversion) $(CXXFLAGS) $(CPPFLAGS)
$(O)/flags: export HELD = $(BUILT_WITH)
build/linked-for: export HELD = PostgreSQL $(PG_MAJOR) $(OBJS)
$(O)/flags build/linked-for: build-always
	@mkdir -p $(@D)
	@printf '%s\n' "$$HELD" | cmp -s - $@ || printf '%s\n' "$$HELD" > $@

# The install script is its parts in order. A part may not adopt what somebody else made before it.
$(SQL_INSTALL): $(SQL_PARTS) pg_steward.control scripts/lint-sql
	@scripts/lint-sql $(SQL_PARTS)
	cat $(SQL_PARTS) > $@.tmp && mv $@.tmp $@

.PHONY: build-always
build-always:

endif
