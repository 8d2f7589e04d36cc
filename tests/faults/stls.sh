#!/bin/sh
# What goes wrong between STLS and TLS: see matrix.crp.
set -u
# shellcheck source=parts.sh
. "${srcdir:-.}/tests/faults/parts.sh"

part stls 194 194
done_testing
