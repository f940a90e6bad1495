# SPDX-License-Identifier: Apache-2.0
# Helpers of the system tests; loaded by `run` before each test.
#
# W is the test's own directory.  A spool is a name: its files are in W/NAME.
# Processes are ended by pid at the end, whatever happens.

W=$(mktemp -d "${TMPDIR:-/var/tmp}/spoold-test-XXXXXX")
PIDS=
SRC=$TOP_SRCDIR
BLD=$TOP_BUILDDIR
CTL=$BLD/admin/spoolctl
AGENT=$BLD/agentlink/agent/agentlink
CHECK=$BLD/tests/system/check-delivery
SAMPLE=$BLD/tests/bench/sample
SPOOLD=$BLD/spoold/spoold
SPOOLD_LIBEXECDIR=$W/libexec
export SPOOLD_LIBEXECDIR

clean_up() {
	status=$?
	trap - EXIT
	for pid in $PIDS; do
		kill -9 "$pid" 2>/dev/null || :
	done
	for pid in $PIDS; do
		wait "$pid" 2>/dev/null || :
	done
	if [ "$status" = 0 ] && [ -n "${TRACE:-}" ]; then
		judge_traces --killed || status=1
	fi
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		for log in "$W"/*/log "$W"/*.log; do
			[ -f "$log" ] || continue
			echo "--- $log"
			tail -n 60 "$log"
		done
	fi
	if [ -n "${KEEP:-}" ]; then
		echo "kept: $W"
	else
		rm -rf "$W"
	fi
	exit "$status"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

skip() {
	echo "skipped: $*"
	exit 77
}

# need PROGRAM...: skip without them.  All are packaged by Debian, so in CI
# there is no excuse: the test fails.
need() {
	for program; do
		command -v "$program" >/dev/null 2>&1 && continue
		[ -z "${CI:-}" ] || fail "$program is not installed"
		skip "$program is not installed"
	done
}

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# wait_for SECONDS COMMAND...: until it succeeds; fails after the deadline.
wait_for() {
	deadline=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$deadline" ] || fail "in vain: $*"
		wait_a_moment
	done
}

# The one place where tests let time pass, between two looks.
wait_a_moment() {
	sleep 0.05
}

# A port that is free now.
free_port() {
	/usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# Where the role programs are found: links into the build.
mkdir -p "$SPOOLD_LIBEXECDIR"
for program in spoold/keeper/spoold-keeper agentlink/receiver/spoold-receiver \
	forwarder/spoold-forwarder forwarder/resolver/spoold-resolver \
	spoold/inspector/spoold-inspector spoold/worker/spoold-worker; do
	[ ! -x "$BLD/$program" ] ||
		ln -s "$BLD/$program" "$SPOOLD_LIBEXECDIR/${program##*/}"
done

# trace_roles: each role's program is started under strace from now on.
trace_roles() {
	mkdir -p "$W/trace"
	chmod 1777 "$W/trace"
	for program in keeper receiver forwarder resolver worker inspector; do
		real=$(readlink -f "$SPOOLD_LIBEXECDIR/spoold-$program")
		rm "$SPOOLD_LIBEXECDIR/spoold-$program"
		cat >"$SPOOLD_LIBEXECDIR/spoold-$program" <<-END
			#!/bin/sh
			exec strace -f -D -q -o "$W/trace/$program-\$\$" \
				-e trace=open,openat,openat2,creat,connect,bind,listen,socket,socketpair,execve,execveat,fork,vfork,clone,clone3,write,sendmsg,prctl,seccomp \
				"$real" "\$@"
		END
		chmod +x "$SPOOLD_LIBEXECDIR/spoold-$program"
	done
}

# judge_traces [--killed]: what the roles did after READY, by their table.
judge_traces() {
	/usr/bin/python3 "$SRC/tests/system/peers/sandbox_trace.py" "$@" \
		"$SRC/lib/sandbox/roles.def" "$W/trace"
}

# TRACE=1 judges the roles of every test.
if [ -n "${TRACE:-}" ]; then
	need strace
	trace_roles
fi

# pki: a CA, a spool "spool" and an agent "agent" in W/pki.
pki() {
	"$SRC/tests/helpers/pki.sh" "$W/pki" "$@"
}

# spool_config NAME PORT: the head of a configuration; targets follow on
# standard input.  Writes W/NAME/spoold.yaml.
spool_config() {
	mkdir -p "$W/$1"
	[ -f "$W/pki/$1.pem" ] || pki spool "$1"
	{
		cat <<-END
			spool:
			  directory: $W/$1/spool
			  quota: ${QUOTA:-2GiB}
			run_directory: $W/$1/run
			log: { level: ${LOG_LEVEL:-info} }
			identity:
			  certificate: $W/pki/$1.pem
			  key: $W/pki/$1.key
			listeners:
			  agents:
			    protocol: agentlink
			    address: "127.0.0.1:$2"
			    client_ca: $W/pki/ca.pem
		END
		cat
	} >"$W/$1/spoold.yaml"
}

# start_spool NAME: start it and wait until it is ready.
start_spool() {
	launch_spool "$1"
	wait_for 20 ctl "$1" wait --ready --timeout 1s
}

# launch_spool NAME: only start it.
launch_spool() {
	"$SPOOLD" --config "$W/$1/spoold.yaml" ${SANDBOX:+--sandbox=$SANDBOX} \
		>>"$W/$1/log" 2>&1 &
	PIDS="$PIDS $!"
	echo $! >"$W/$1/pid"
}

# stop_spool NAME [SIGNAL]: end it and wait; its exit status.
stop_spool() {
	kill "-${2:-TERM}" "$(cat "$W/$1/pid")"
	status=0
	wait "$(cat "$W/$1/pid")" || status=$?
	return $status
}

ctl() {
	name=$1
	shift
	"$CTL" --socket "$W/$name/run/control.sock" "$@"
}

# role_pid NAME ROLE: the process of a role, "keeper", "receiver-0" ...; waits
# while it is being restarted, and never says 0, which kill(1) takes for us all.
role_pid() {
	wait_for 20 role_is_there "$1" "$2"
	printf '%s\n' "$(role_pid_now "$1" "$2")"
}

role_pid_now() {
	ctl "$1" status --output json 2>/dev/null |
		/usr/bin/python3 -c '
import json, sys
for role in json.load(sys.stdin)["roles"]:
    if role["role"] == sys.argv[1] and role["pid"]:
        print(role["pid"])' "$2" 2>/dev/null
}

role_is_there() {
	[ -n "$(role_pid_now "$1" "$2")" ]
}

# field NAME EXPRESSION: of the status, as python: "spool.records".
field() {
	ctl "$1" status --output json |
		/usr/bin/python3 -c '
import json, sys
s = json.load(sys.stdin)
listeners = {x["name"]: x for x in s["listeners"]}
targets = {x["name"]: x for x in s["targets"]}
roles = {x["role"]: x for x in s["roles"]}
spool = s["spool"]
print(eval(sys.argv[1]))' "$2"
}

# agent PORT ARGUMENTS...: agentlink send to a spool on that port.
agent() {
	port=$1
	shift
	"$AGENT" send --server "127.0.0.1:$port" --cert "$W/pki/agent.pem" \
		--key "$W/pki/agent.key" --ca "$W/pki/ca.pem" "$@"
}
