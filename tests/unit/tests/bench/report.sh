#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The table and bench.json of `make bench`: tests/bench/report.py.
set -eu
command -v python3 >/dev/null || exit 77
PYTHONDONTWRITEBYTECODE=1 \
	PYTHONPATH=${TOP_SRCDIR:-$(dirname "$0")/../../../..}/tests/bench \
	exec python3 "$(dirname "$0")/report_cases.py"
