# SPDX-License-Identifier: GPL-2.0
# profiled NAME COMMAND...: runs it, and if HVIS_PROFILE is set says in comment lines of the report where the guest's CPUs
# spent the time: perf by a timer (guests have no PMU here), so what runs with interrupts off shows up where they go on again.
profiled()
{
	profile_name=$1
	shift
	[ -n "$HVIS_PROFILE" ] || { "$@"; return; }
	perf record -q -e cpu-clock -F 499 -a -o /tmp/profile.data -- "$@" 2>/tmp/profile.log
	profile_status=$?
	for sort in comm sym; do
		perf report -i /tmp/profile.data --stdio --sort $sort --percent-limit 0.5 2>>/tmp/profile.log |
			grep '%' | head -40 | sed "s/^ */@profile $profile_name $sort /"
	done
	return $profile_status
}
