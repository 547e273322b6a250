# Makes a labels file for `tally train` of a file of purchases (buyer, date, quantity, amount): for each cut-off, and
# each buyer who has bought before it, what the buyer spends in the six months from it on, and whether there is
# a purchase at all.
#
#   awk -v cutoffs="20210401 20210701" -f to-labels.awk purchases.txt
#
# The file must reach six months beyond the last cut-off: what is missing would count as nothing spent.

BEGIN {
  if (cutoffs == "") { print "to-labels.awk: say -v cutoffs=\"YYYYMMDD …\"" > "/dev/stderr"; exit 1 }
  n = split(cutoffs, from, " ")
  for (i = 1; i <= n; i++) to[i] = six_months_after(from[i])
  print "entity_id,label_time_us,spend_6m,returns_6m"
}

{ sub(/\r$/, "") }

$1 "" != buyer "" { labels(); buyer = $1; first = $2; split("", spend); split("", bought) }

{
  for (i = 1; i <= n; i++)
    if ($2 >= from[i] + 0 && $2 < to[i]) { spend[i] += $4; bought[i] = 1 }
}

END { labels() }

function labels() {
  for (i = 1; i <= n; i++)
    if (buyer != "" && first < from[i] + 0)
      printf "%s,%d000000,%.2f,%d\n", buyer, days(from[i]) * 86400, spend[i], bought[i]
}

function six_months_after(date,    y, m) {
  y = substr(date, 1, 4) + 0; m = substr(date, 5, 2) + 6
  if (m > 12) { m -= 12; y++ }
  return y * 10000 + m * 100 + substr(date, 7, 2)
}

# Days from 1970-01-01 to a date YYYYMMDD.
function days(date,    y, m, d) {
  y = substr(date, 1, 4) + 0; m = substr(date, 5, 2) + 0; d = substr(date, 7, 2) + 0
  if (m < 3) { y--; m += 12 }
  return 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * (m - 3) + 2) / 5) + d - 719469
}
