# Makes a file of purchases: buyer, date (YYYYMMDD), quantity, amount in dollars, in columns, sorted by buyer
# and date. It has the form of the CDNOW file of the literature on customer lifetime value, and its structure:
# buyers come in the first three months, many buy once, a few buy often, each at a pace of their own until,
# unannounced, they stop.
#
#   awk -f make-purchases.awk                                  1,000 buyers, the same file on every machine
#   awk -v buyers=5000 -v seed=7 -f make-purchases.awk      another shop

BEGIN {
  if (buyers == "") buyers = 1000
  state = (seed == "" ? 1 : seed) * 7919 + 17
  last = 545                              # days after 2021-01-01: 2022-06-30
  for (buyer = 1; buyer <= buyers; buyer++) shop(buyer)
}

# What one buyer does in 18 months.
function shop(buyer,    day, pace, leaving, taste) {
  day = draw() * 84
  pace = 260 * exp(1.4 * bell())          # days between two purchases, on average
  leaving = 0.05 + 0.6 * draw() * draw() # chance to stop for good after a purchase
  taste = exp(0.5 * bell())               # dear or cheap articles
  while (day <= last) {
    buy(buyer, int(day), taste)
    if (draw() < leaving) return
    day += -pace * log(draw())
  }
}

function buy(buyer, day, taste,    quantity) {
  quantity = 1
  while (quantity < 12 && draw() < 0.5) quantity++
  printf "%05d %s %2d %8.2f\n", buyer, date(day), quantity, quantity * taste * (10 + 10 * draw())
}

# A number between 0 and 1, never 0, from a sequence of its own: awk's rand() differs from program to program.
function draw() {
  state = (state * 16807) % 2147483647
  return state / 2147483647
}

# A number around 0, as the sum of twelve draws is: nearly a normal distribution of variance 1.
function bell(    sum, i) {
  for (i = 0; i < 12; i++) sum += draw()
  return sum - 6
}

# The date of a day after 2021-01-01, within two years that are not leap years.
function date(day,    year, month, length_) {
  year = 2021
  if (day >= 365) { year++; day -= 365 }
  for (month = 1; day >= (length_ = days_of(month)); month++) day -= length_
  return sprintf("%d%02d%02d", year, month, day + 1)
}

function days_of(month) {
  return month == 2 ? 28 : 30 + (month + (month > 7)) % 2
}
