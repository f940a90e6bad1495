#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The completion scripts work in the shells that are installed: the words that
# bash offers at some places, and that zsh and fish read theirs.
set -eu
dir=${TOP_SRCDIR:-.}/admin/completion
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# A spoolctl that knows two targets.
mkdir "$work/bin"
cat >"$work/bin/spoolctl" <<'END'
#!/bin/sh
[ "$1 $2" = "target ls" ] && printf 'archive\nsiem\n'
END
chmod +x "$work/bin/spoolctl"
PATH=$work/bin:$PATH
export PATH

# expect LINE WORDS: what bash offers at the end of the line.
expect() {
	got=$(bash -c '
		source "$1"
		COMP_LINE=$2
		read -ra COMP_WORDS <<<"$2"
		[[ $2 == *" " ]] && COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_spoolctl
		echo "${COMPREPLY[*]}"' bash "$dir/spoolctl" "$1")
	[ "$got" = "$2" ] || {
		echo "completion: '$1' gives '$got', not '$2'" >&2
		status=1
	}
}

if command -v bash >/dev/null; then
	expect 'spoolctl st' 'status stream'
	expect 'spoolctl target re' 'resume retry remove rename'
	expect 'spoolctl target pause ' 'archive siem'
	expect 'spoolctl target pause s' 'siem'
	expect 'spoolctl --output ' 'table wide json ndjson csv'
	expect 'spoolctl -o js' 'json'
	expect 'spoolctl --output json target pa' 'pause'
	expect 'spoolctl wait --dr' '--drained'
	expect 'spoolctl wait --drained --target a' 'archive'
	expect 'spoolctl queue peek --li' '--limit'
	expect 'spoolctl queue ls --dry' ''
	expect 'spoolctl completion ' 'bash zsh fish'
	expect 'spoolctl help tar' 'target'
	expect "spoolctl decode $work/b" "$work/bin"
fi
if command -v zsh >/dev/null; then
	zsh -n "$dir/_spoolctl" || status=1
	got=$(zsh -fc '
		compdef() { :; }
		compadd() { shift; print -r -- "$*"; }
		source "$1"
		words=(spoolctl target pause "") CURRENT=4
		_spoolctl' zsh "$dir/_spoolctl")
	[ "$got" = 'archive siem' ] || {
		echo "completion: zsh offers '$got'" >&2
		status=1
	}
fi
if command -v fish >/dev/null; then
	got=$(HOME=$work fish --no-config -c "source $dir/spoolctl.fish
		complete -C 'spoolctl target pause '
		complete -C 'spoolctl target ren'" |
		cut -f1 | tr '\n' ' ')
	[ "$got" = 'archive siem rename ' ] || {
		echo "completion: fish offers '$got'" >&2
		status=1
	}
fi
exit $status
