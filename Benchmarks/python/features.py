"""The 47 columns of pipelines/engagement.yaml, as a Python engineer would keep them up to date.

One state per person, packed with msgpack: lifetime numbers, one vector of counters per day of the last month, and running
totals of the month, so that an event costs a few additions and a row reads totals. Sums are whole numbers (like the
pipeline's), so that taking a day out of a total leaves no rounding behind. Windows are cut at UTC days, as the pipeline
says: a 30-day window holds today and the 30 days before.
"""
import math
from zlib import crc32

import msgpack

DAY = 86_400_000_000
NAN = math.nan

# Counters of a day.
(ANY, LOGIN, SESSIONS, MINUTES, SCROLLS, SCROLL, PREMIUM, NOTES, NOTES_CLICKED, ADS, ADS_CLICKED, MESSAGES, MOODS, MOOD,
 ANSWERS, ANSWER, POSTS, REACTED, REACTIONS, COMMENTED, COMMENTS, SHARES, REACHED, REACH, JOINED, CONNECTED, SWIPES, LIKES,
 MATCHES, VIEWS, APPLIED, REVENUE, MOBILE, DESKTOP, TABLET, OTHER, GROUPS) = range(37)
COUNTERS = 37
ZEROS = [0] * COUNTERS

CATEGORIES = {name: code for code, name in enumerate(
    "tech food travel fitness fashion gaming music art sports business education lifestyle".split())}
PREMIUM_FEATURES = {name: code for code, name in enumerate(
    "boost super_like filters read_receipts incognito support analytics themes".split())}
STATES = {name: code for code, name in enumerate(
    ("AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR "
     "PA RI SC SD TN TX UT VT VA WA WV WI WY").split())}
GENDERS = {"M": 0, "F": 1, "Other": 2}
ACCOUNTS = {"free": 0, "premium": 1}
DEVICES = {"mobile": MOBILE, "desktop": DESKTOP, "tablet": TABLET}

PROFILE = ("age", "gender", "location", "account_type", "connections", "influencer_follow_score", "network_centrality")
CODES = {"gender": GENDERS, "location": STATES, "account_type": ACCOUNTS}

# Lifetime numbers.
(WATERMARK, FIRST_ANY, LAST_ANY, LAST_LOGIN, FIRST_PAYMENT, CONNECTIONS, REFERRALS, RATINGS, RATING, LISTED, UNLISTED,
 PREMIUM_MASK) = range(12)


class State:
    """One person."""

    __slots__ = ("ids", "life", "profile", "posts", "hours", "days", "month", "week", "four_weeks")

    def __init__(self):
        self.ids = []                               # CRC-32 of the last 32 event ids
        self.life = [0] * 12
        self.profile = [None] * len(PROFILE)
        self.posts = [0] * 13                       # by category
        self.hours = [0] * 24
        self.days = {}                              # day -> counters
        self.month = [0] * COUNTERS                 # totals of the days in `days`
        self.week = [0, 0, 0]                       # events, posts, views of 7 days
        self.four_weeks = 0                         # events of 28 days

    def pack(self):
        return msgpack.packb([
            self.ids, self.life, self.profile, self.posts, self.hours, self.days, self.month, self.week,
            self.four_weeks])

    @classmethod
    def unpack(cls, data):
        state = cls()
        (state.ids, state.life, state.profile, state.posts, state.hours, state.days, state.month, state.week,
         state.four_weeks) = msgpack.unpackb(data, strict_map_key=False)
        return state

    def apply(self, event):
        """Applies one event. Returns False for a duplicate."""
        identity = crc32(event["event_id"].encode())
        if identity in self.ids:
            return False
        self.ids.append(identity)
        if len(self.ids) > 32:
            del self.ids[0]
        time = event["event_time_us"]
        life = self.life
        if time > life[WATERMARK]:
            before, now = life[WATERMARK] // DAY, time // DAY
            life[WATERMARK] = time
            if now > before and self.days:
                self.expire(before, now)
        engagement = event.get("engagement")
        if engagement is None:
            profile = event["profile"]
            attributes = profile["attributes"]
            if profile.get("mode", "SNAPSHOT").upper() == "SNAPSHOT":
                self.profile = [None] * len(PROFILE)
            for index, name in enumerate(PROFILE):
                if name in attributes:
                    value = attributes[name]
                    codes = CODES.get(name)
                    self.profile[index] = codes.get(value, len(codes)) if codes and value is not None else value
            return True
        self.count(engagement["type"], engagement["attributes"], time)
        return True

    def expire(self, before, now):
        """The watermark's day has moved: takes days out of the totals that no window reaches any more."""
        days, month, week = self.days, self.month, self.week
        for day in list(days):
            counters = days[day]
            if before - 7 <= day < now - 7:
                week[0] -= counters[ANY]
                week[1] -= counters[POSTS]
                week[2] -= counters[VIEWS]
            if before - 28 <= day < now - 28:
                self.four_weeks -= counters[ANY]
            if day < now - 30:
                for index, value in enumerate(counters):
                    if value:
                        month[index] -= value
                del days[day]

    def count(self, kind, attributes, time):
        life = self.life
        day = time // DAY
        today = life[WATERMARK] // DAY
        hour = time // 3_600_000_000 % 24
        self.hours[hour] += 1
        if not life[FIRST_ANY] or time < life[FIRST_ANY]:
            life[FIRST_ANY] = time
        if time > life[LAST_ANY]:
            life[LAST_ANY] = time
        changes = [(ANY, 1)]
        add = changes.append
        get = attributes.get
        if kind == "login":
            add((LOGIN, 1))
            if time > life[LAST_LOGIN]:
                life[LAST_LOGIN] = time
            device = get("device")
            if device is not None:
                add((DEVICES.get(device, OTHER), 1))
        elif kind == "session":
            value = get("duration_min")
            if value is not None:
                add((SESSIONS, 1))
                add((MINUTES, round(value * 1e6)))
            value = get("scroll_depth_pct")
            if value is not None:
                add((SCROLLS, 1))
                add((SCROLL, round(value * 1e6)))
        elif kind == "message_sent":
            add((MESSAGES, 1))
            value = get("sentiment")
            if value is not None:
                add((MOODS, 1))
                add((MOOD, round(value * 1e6)))
            value = get("response_hours")
            if value is not None:
                add((ANSWERS, 1))
                add((ANSWER, round(value * 1e6)))
        elif kind == "post":
            add((POSTS, 1))
            category = get("category")
            if category is not None:
                self.posts[CATEGORIES.get(category, 12)] += 1
            value = get("reactions")
            if value is not None:
                add((REACTED, 1))
                add((REACTIONS, round(value)))
            value = get("comments")
            if value is not None:
                add((COMMENTED, 1))
                add((COMMENTS, round(value)))
            value = get("shares")
            if value is not None:
                add((SHARES, round(value)))
            value = get("reach")
            if value is not None:
                add((REACHED, 1))
                add((REACH, round(value)))
            value = get("sentiment")
            if value is not None:
                add((MOODS, 1))
                add((MOOD, round(value * 1e6)))
        elif kind == "swipe":
            add((SWIPES, 1))
            if get("liked"):
                add((LIKES, 1))
        elif kind == "transaction":
            if not life[FIRST_PAYMENT] or time < life[FIRST_PAYMENT]:
                life[FIRST_PAYMENT] = time
            value = get("amount")
            if value is not None and get("role") != "buyer":
                add((REVENUE, round(value * 100)))
        elif kind == "premium_feature_used":
            add((PREMIUM, 1))
            feature = get("feature")
            if feature is not None:
                life[PREMIUM_MASK] |= 1 << PREMIUM_FEATURES.get(feature, 8)
        elif kind == "job_rated":
            value = get("rating")
            if value is not None:
                life[RATINGS] += 1
                life[RATING] += round(value * 1e6)
        elif kind == "connection_added":
            add((CONNECTED, 1))
            life[CONNECTIONS] += 1
        elif kind == "referral":
            life[REFERRALS] += 1
        elif kind == "gig_listing_opened":
            life[LISTED] += 1
        elif kind == "gig_listing_closed":
            life[UNLISTED] += 1
        else:
            index = SIMPLE.get(kind)
            if index is not None:
                add((index, 1))
        if day < today - 30:
            return
        counters = self.days.get(day)
        if counters is None:
            counters = self.days[day] = ZEROS[:]
        month = self.month
        for index, value in changes:
            counters[index] += value
            month[index] += value
        if day >= today - 28:
            self.four_weeks += 1
        if day >= today - 7:
            self.week[0] += 1
            if kind == "post":
                self.week[1] += 1
            elif kind == "profile_viewed":
                self.week[2] += 1

    def row(self, out):
        """Writes the 47 columns."""
        month, life, now = self.month, self.life, self.life[WATERMARK]
        age, gender, location, account, connections, influencer, centrality = self.profile
        today = now // DAY
        logins = month[LOGIN]
        swipes = month[SWIPES]
        network = (connections or 0) + life[CONNECTIONS]
        moods = month[MOODS]
        hours = self.hours
        busiest = hours.index(max(hours)) if life[FIRST_ANY] else None
        since_login = (now - life[LAST_LOGIN]) / DAY if life[LAST_LOGIN] else None
        since_any = (now - life[LAST_ANY]) / DAY if life[LAST_ANY] else None
        since_first = (now - life[FIRST_ANY]) / DAY if life[FIRST_ANY] else None
        silent = since_login if since_login is not None else since_any
        usual = self.four_weeks / 4
        decline = min(max(1 - self.week[0] / usual, 0), 1) if usual else 1
        answer = month[ANSWER] / 1e6 / month[ANSWERS] if month[ANSWERS] else None
        minutes = month[MINUTES] / 1e6 / month[SESSIONS] if month[SESSIONS] else NAN
        devices = (month[MOBILE], month[DESKTOP], month[TABLET], month[OTHER])
        days = self.days
        group_days = login_days = 0
        trend = 0.0
        for day, counters in days.items():
            if day >= today - 29:
                if counters[GROUPS]:
                    group_days += 1
                if counters[LOGIN]:
                    login_days += 1
                if day >= today - 6:
                    trend += (6 - 2 * (today - day)) * counters[ANY]
        posts = self.posts
        written = sum(posts)
        diversity = NAN
        if written:
            diversity = 0.0
            for number in posts:
                if number:
                    share = number / written
                    diversity -= share * math.log2(share)
        rating = life[RATING] / 1e6 / life[RATINGS] if life[RATINGS] else None
        reach = month[REACH] / month[REACHED] if month[REACHED] else 0
        matched = min(1, month[MATCHES] / swipes) if swipes else NAN
        views = self.week[2]
        per_day = logins / 30
        trust = NAN
        if since_first is not None:
            trust = min(max(
                0.4 * ((rating - 1) / 4 if rating is not None else 0.5) + 0.3 * min(since_first / 365, 1)
                + 0.3 * (2 ** (answer / -12) if answer is not None else 0.5), 0), 1)
        risk = NAN if silent is None else min(max(0.5 * (1 - 2 ** (silent / -7)) + 0.5 * decline, 0), 1)
        out[:] = (
            NAN if age is None else age, NAN if gender is None else gender, NAN if location is None else location,
            NAN if account is None else account,
            per_day, minutes, month[MESSAGES] / 30, month[JOINED], month[CONNECTED],
            NAN if influencer is None else influencer,
            NAN if since_login is None else math.floor(since_login), risk,
            month[REACTIONS] / month[REACTED] if month[REACTED] else NAN,
            month[COMMENTS] / month[COMMENTED] if month[COMMENTED] else NAN,
            self.week[1], month[SCROLL] / 1e6 / month[SCROLLS] if month[SCROLLS] else NAN,
            min(1, month[NOTES_CLICKED] / month[NOTES]) if month[NOTES] else NAN,
            devices.index(max(devices)) if any(devices) else NAN,
            NAN if busiest is None else (busiest >= 6) + (busiest >= 12) + (busiest >= 18),
            group_days / 30, min(1, month[PREMIUM] / logins) if logins else NAN,
            min(1, month[ADS_CLICKED] / month[ADS]) if month[ADS] else NAN,
            min(max((math.log2(1 + network) + math.log2(1 + reach)) / 34, 0), 1),
            matched, views, month[APPLIED], max(0, life[LISTED] - life[UNLISTED]), month[REVENUE] / 100,
            min(1, month[SHARES] / month[REACH]) if month[REACH] else NAN,
            month[LIKES] / swipes if swipes else NAN, NAN if rating is None else rating, network,
            month[MOOD] / 1e6 / moods if moods else NAN, posts.index(max(posts)) if written else NAN,
            NAN if centrality is None else centrality,
            math.floor((now - life[FIRST_PAYMENT]) / DAY) if life[FIRST_PAYMENT] else NAN,
            NAN if answer is None else answer, NAN if busiest is None else busiest, diversity, life[REFERRALS],
            login_days / 30, life[PREMIUM_MASK].bit_count(), 2 * trend / 112,
            (network >= 1e3) + (network >= 1e4) + (network >= 1e5), trust,
            per_day * minutes, matched * views)


SIMPLE = {
    "notification_sent": NOTES, "notification_clicked": NOTES_CLICKED, "ad_shown": ADS, "ad_clicked": ADS_CLICKED,
    "event_joined": JOINED, "match": MATCHES, "profile_viewed": VIEWS, "gig_application_sent": APPLIED,
    "group_activity": GROUPS,
}
