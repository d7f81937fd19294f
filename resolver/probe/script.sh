# What follows needs a POSIX shell and dig, nothing else.
set -uf
server=${1:-$default_server}
port=${2:-$default_port}
command -v dig >/dev/null 2>&1 || { echo "dig is not installed (Debian: bind9-dnsutils)" >&2; exit 2; }
tab='	'
IFS=" $tab
"
total=0 bad=0 name='' type='' status='' aa='' section='' got='' open=0

# lower sets $lowered to $1 with ASCII capitals folded.
lower() {
	lowered='' rest=$1
	while [ -n "$rest" ]; do
		tail=${rest#?} c=${rest%"${rest#?}"} rest=$tail
		case $c in
		A) c=a ;; B) c=b ;; C) c=c ;; D) c=d ;; E) c=e ;; F) c=f ;; G) c=g ;; H) c=h ;; I) c=i ;; J) c=j ;;
		K) c=k ;; L) c=l ;; M) c=m ;; N) c=n ;; O) c=o ;; P) c=p ;; Q) c=q ;; R) c=r ;; S) c=s ;; T) c=t ;;
		U) c=u ;; V) c=v ;; W) c=w ;; X) c=x ;; Y) c=y ;; Z) c=z ;;
		esac
		lowered=$lowered$c
	done
}

# judge compares the answer that was gathered with the next expectation.
judge() {
	total=$((total + 1)) why='' wanted_answer=0 wanted_authority=0
	IFS= read -r head <&3 || { echo "Bail out! dig printed more answers than questions were asked"; exit 2; }
	# shellcheck disable=SC2086
	set -- $head
	[ "$1" = '?' ] || { echo "Bail out! the script is damaged at: $head"; exit 2; }
	qname=$2 qtype=$3 want_status=$4 want_aa=$5 lines=$6
	while [ "$lines" -gt 0 ]; do
		lines=$((lines - 1))
		IFS= read -r want <&3
		# shellcheck disable=SC2086
		set -- $want
		sec=$1 shape=$2
		shift 2
		case $sec in
		an) wanted_answer=$((wanted_answer + 1)) ;;
		au) wanted_authority=$((wanted_authority + 1)) ;;
		esac
		[ -z "$why" ] || continue
		found=0 serial=''
		if [ "$4" = SOA ]; then serial=$7; fi
		while IFS= read -r had; do
			[ -n "$had" ] || continue
			case $had in "$sec $*") found=1; break ;; esac
			[ "$shape" = n ] || continue
			if [ -n "$serial" ]; then
				same_soa "$had" "$sec $*" "$serial" && { found=1; break; }
				continue
			fi
			case $had in *[A-Z]*) ;; *) continue ;; esac
			lower "$had"; one=$lowered
			lower "$sec $*"
			[ "$one" = "$lowered" ] && { found=1; break; }
		done <<GOT
$got
GOT
		[ "$found" = 1 ] || why="missing in $sec: $*"
	done
	[ "$status" = "$want_status" ] || why="expected $want_status, got $status"
	[ -n "$why" ] || [ "$aa" = "$want_aa" ] || why="expected $want_aa, got $aa"
	[ -n "$why" ] || [ "$answers" = "$wanted_answer" ] || why="expected $wanted_answer records in the answer, got $answers"
	[ -n "$why" ] || [ "$wanted_authority" = 0 ] || [ "$authorities" = "$wanted_authority" ] ||
		why="expected $wanted_authority records in the authority, got $authorities"
	[ "$status" = NOANSWER ] || [ "$name" = "$qname" ] || why="the answer is to $name"
	if [ -z "$why" ]; then
		echo "ok $total - $qname $qtype"
		return
	fi
	bad=$((bad + 1))
	echo "not ok $total - $qname $qtype: $why"
	echo "  # dig @$server -p $port +norec -q '$qname' -t $qtype"
}

# same_soa tells whether two SOA lines are equal but for a serial that is not
# lower than the expected one.
same_soa() {
	want_line=$2 want_serial=$3
	lower "$1"; got_line=$lowered
	lower "$want_line"; want_line=$lowered
	# shellcheck disable=SC2086
	set -- $got_line
	[ "$#" -ge 12 ] && [ "$5" = soa ] || return 1
	got_serial=$8
	case $got_serial in '' | *[!0-9]*) return 1 ;; esac
	# later by the arithmetic of RFC 1982
	ahead=$(((got_serial - want_serial + 4294967296) % 4294967296))
	[ "$ahead" -lt 2147483648 ] || return 1
	a="$1 $2 $3 $4 $5 $6 $7 ${9} ${10} ${11} ${12}"
	# shellcheck disable=SC2086
	set -- $want_line
	[ "$a" = "$1 $2 $3 $4 $5 $6 $7 ${9} ${10} ${11} ${12}" ]
}

start() { status=$1 aa=- section='' got='' name='' answers=0 authorities=0 open=1; }
finish() { [ "$open" = 0 ] || judge; open=0; }

# check reads what dig prints, one answer after another, and judges each.
check() {
	while IFS= read -r line; do
		case $line in
		';; ->>HEADER<<-'*)
			finish
			status=${line#*status: }
			start "${status%%,*}"
			;;
		*'no servers could be reached'*) finish; start NOANSWER; finish ;;
		';; flags:'*)
			flags=${line#;; flags:}
			case " ${flags%%;*} " in *' aa '*) aa=aa ;; esac
			;;
		';; QUESTION SECTION:'*) section=q ;;
		';; ANSWER SECTION:'*) section=an ;;
		';; AUTHORITY SECTION:'*) section=au ;;
		';; ADDITIONAL SECTION:'*) section=ad ;;
		';;'* | '') ;;
		';'*)
			# shellcheck disable=SC2086
			[ "$section" != q ] || { set -- ${line#;}; name=$1; }
			;;
		*)
			# shellcheck disable=SC2086
			set -- $line
			case $section in
			an) answers=$((answers + 1)) ;;
			au) authorities=$((authorities + 1)) ;;
			esac
			got="$got
$section $*"
			;;
		esac
	done
	finish
	if [ "$total" -ne "$planned" ]; then
		echo "Bail out! $planned questions were planned, dig answered for $total"
		exit 2
	fi
	echo "# $total questions, $bad differ, at $server port $port"
	[ "$bad" -eq 0 ]
}

# One question alone first: a server that is not there shall not cost a
# time-out for each of the others.
if dig "@$server" -p "$port" +norec +time=2 +tries=3 -q "$first" -t SOA 2>&1 | {
	while IFS= read -r line; do
		case $line in *'no servers could be reached'*) exit 0 ;; esac
	done
	exit 1
}; then
	echo "Bail out! $server port $port does not answer"
	exit 2
fi
