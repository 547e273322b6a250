# Makes Tally's events of a file of purchases (buyer, date, quantity, amount): a line each, of three columns with
# tabs between them: the event's time, its key (the entity id), its JSON. Sort them by the first column and cut it off:
#
#   awk -v until=20220101 -f to-events.awk purchases.txt | sort -s -n -k 1,1 | cut -f 2-
#   awk -v from=20220101 -v until=20220701 -f to-events.awk purchases.txt    not from the beginning, but from a day on
#
# The day `until` is not included. At every month's end, one second before midnight, each buyer who has bought by
# then gets a tick: an event that says nothing but what time it is.

BEGIN {
  if (until == "") { print "to-events.awk: say -v until=YYYYMMDD" > "/dev/stderr"; failed = 1; exit 1 }
  if (from == "") from = 19700101
}

{ sub(/\r$/, "") }

NF != 4 || $2 !~ /^[0-9]+$/ || length($2) != 8 {
  print "to-events.awk: line " NR " is no purchase: " $0 > "/dev/stderr"
  failed = 1
  exit 1
}

$1 "" != buyer "" { ticks(); buyer = $1; first = $2; purchases = 0 }

{
  # The file has no time of day: noon. Purchases of one day are told apart by their number.
  purchases++
  if ($2 >= from + 0 && $2 < until + 0)
    event(days($2) * 86400 + 43200, buyer "-" purchases,
      sprintf("\"engagement\":{\"type\":\"purchase\",\"attributes\":{\"quantity\":%d,\"amount\":%.2f}}", $3, $4))
}

END { if (failed) exit 1; ticks() }

# The ticks of the buyer whose purchases have just been read, from the month of the first one on.
function ticks(    year, month, next_month) {
  if (buyer == "") return
  year = substr(first, 1, 4) + 0
  month = substr(first, 5, 2) + 0
  while (1) {
    if (++month > 12) { month = 1; year++ }
    next_month = year * 10000 + month * 100 + 1
    if (next_month > until + 0) return
    if (next_month > from + 0) event(days(next_month) * 86400 - 1, buyer "-tick-" next_month, "\"tick\":{}")
  }
}

function event(seconds, id, body) {
  printf "%d\t%s\t{\"event_id\":\"%s\",\"entity_id\":\"%s\",\"event_time_us\":%d000000,%s}\n",
    seconds, buyer, id, buyer, seconds, body
}

# Days from 1970-01-01 to a date YYYYMMDD.
function days(date,    y, m, d) {
  y = substr(date, 1, 4) + 0; m = substr(date, 5, 2) + 0; d = substr(date, 7, 2) + 0
  if (m < 3) { y--; m += 12 }
  return 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * (m - 3) + 2) / 5) + d - 719469
}
