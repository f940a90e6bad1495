#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make throw-away certificates with the openssl program, for tests and demos.
#
#   pki.sh DIR                    CA and one spool, if they are not there yet
#   pki.sh DIR spool NAME [UUID]  NAME.pem and NAME.key: a spool
#   pki.sh DIR agent NAME [UUID]  NAME.pem and NAME.key: an agent
#   pki.sh DIR server NAME        NAME.pem and NAME.key: any TLS server
#   pki.sh DIR revoke NAME        put NAME's certificate on ca.crl
#   pki.sh DIR crl                make ca.crl, perhaps empty
#
# A spool bears spool:spool:UUID, DNS:localhost and IP:127.0.0.1; a server
# the last two; an agent spool:agent:UUID.  Without UUID a new one is made.
# NAME.uuid holds it.  DAYS (default 90) in the environment is the life of a
# certificate; it may be negative for one that has expired.
set -eu
umask 077

fail() {
	echo "pki.sh: $*" >&2
	exit 2
}

[ $# -ge 1 ] || fail "usage: pki.sh DIR [spool|agent|server|revoke|crl NAME [UUID]]"
dir=$1
days=${DAYS:-90}
mkdir -p "$dir"
cd "$dir"

new_uuid() {
	# Version 4: four random groups with the two fixed digits.
	openssl rand -hex 16 | sed 's/^\(.\{8\}\)\(.\{4\}\).\(.\{3\}\).\(.\{3\}\)\(.\{12\}\)$/\1-\2-4\3-8\4-\5/'
}

# One directory may be used by several tests at a time.
locked() {
	exec 9>.lock
	flock 9
}

make_ca() {
	[ ! -f ca.pem ] || return 0
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout ca.key -out ca.tmp -days 3650 -subj "/CN=spoold test CA" \
		-addext "basicConstraints=critical,CA:TRUE" \
		-addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
	mkdir -p issued
	: >index.txt
	echo 01 >crlnumber
	cat >ca.cnf <<-END
		[ca]
		default_ca = it
		[it]
		database = index.txt
		crlnumber = crlnumber
		new_certs_dir = issued
		rand_serial = yes
		unique_subject = no
		default_md = sha256
		default_crl_days = 30
		policy = any
		[any]
		commonName = supplied
	END
	mv ca.tmp ca.pem
}

# issue NAME USAGE ALT: leaves no NAME.pem without its key.
issue() {
	cat >"$1.ext" <<-END
		basicConstraints = critical,CA:FALSE
		keyUsage = critical,digitalSignature
		extendedKeyUsage = $2
		subjectKeyIdentifier = hash
		authorityKeyIdentifier = keyid
		subjectAltName = $3
	END
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
	start=$(date -u -d "-1 hour" +%y%m%d%H%M%SZ)
	[ "$days" -gt 0 ] || start=$(date -u -d "$days days -1 day" +%y%m%d%H%M%SZ)
	openssl ca -batch -config ca.cnf -cert ca.pem -keyfile ca.key \
		-in "$1.csr" -out "$1.tmp" -notext -extfile "$1.ext" \
		-startdate "$start" \
		-enddate "$(date -u -d "$days days" +%y%m%d%H%M%SZ)" 2>"$1.log" ||
		fail "$(cat "$1.log")"
	mv "$1.tmp" "$1.pem"
	rm -f "$1.csr" "$1.ext" "$1.log"
}

crl() {
	openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -gencrl \
		-out ca.crl 2>/dev/null
}

# identity NAME [UUID]
identity() {
	uuid=${2:-$(new_uuid)}
	echo "$uuid" >"$1.uuid"
}

command -v openssl >/dev/null || fail "the openssl program is missing"
locked
make_ca
here="DNS:localhost,IP:127.0.0.1,IP:::1"
case ${2:-} in
'')
	[ -f spool.pem ] || {
		identity spool
		issue spool serverAuth,clientAuth "URI:spool:spool:$uuid,$here"
	}
	;;
spool)
	identity "$3" "${4:-}"
	issue "$3" serverAuth,clientAuth "URI:spool:spool:$uuid,$here"
	;;
agent)
	identity "$3" "${4:-}"
	issue "$3" clientAuth "URI:spool:agent:$uuid"
	;;
server) issue "$3" serverAuth "$here" ;;
revoke)
	openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key \
		-revoke "$3.pem" 2>/dev/null
	crl
	;;
crl) crl ;;
*) fail "what is '$2'?" ;;
esac
