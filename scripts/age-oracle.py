#!/usr/bin/env python3
"""Computes the 22 features of the age pipeline in pandas, from the raw records alone: what Tally's own are compared with.

    scripts/age-oracle.py profiles.jsonl --as-of-year 2026 --output features.csv

Records are JSON, one a line, `profile_json` an object or a text that holds one. Lines that cannot be read are counted
and left out; a `profile_json` that cannot be read, or is no object, leaves all features missing.

What a wrong value counts as:
  number    of another type: a text that holds a plain decimal number is that number, all else is missing; outside its
            bounds it is missing
  category  a word of no vocabulary is "other", the number of words, for plain categories, and missing for ordered ones
  text      of another type: missing
  list      of another type: missing; an element of another type than is asked for does not count, but in the size

The CSV holds pid, the features in order, and known_age; a number is the shortest text of its float32, and what is
missing is empty. Needs pandas.
"""

import argparse
import json
import math
import re
import sys

import numpy
import pandas

LEVELS = ["Intern", "Entry", "Junior", "Mid", "Senior", "Lead", "Manager", "Director", "VP", "Executive"]
EDUCATIONS = ["High School", "Associate's", "Bachelor's", "Master's", "Doctorate"]
SIZES = ["1-10", "11-50", "51-200", "201-500", "501-1000", "1001-5000", "5001-10000", "10001+"]
INDUSTRIES = [
    "Technology", "Finance", "Healthcare", "Education", "Retail", "Manufacturing", "Construction", "Government",
    "Media", "Hospitality", "Transport", "Legal", "Agriculture", "Energy", "Nonprofit",
]
PROVIDERS = ["gmail", "outlook", "hotmail", "yahoo", "aol", "icloud", "proton", "corporate"]
SENIOR = {"senior", "sr", "lead", "principal", "staff", "chief", "head", "director", "vp"}
JUNIOR = {"junior", "jr", "intern", "trainee", "graduate", "student", "apprentice"}
MANAGER = {"manager", "supervisor", "owner", "founder", "president"}
EARLY = ["COBOL", "Fortran", "Lotus Notes", "Visual Basic", "Typing", "Bookkeeping", "Shorthand", "Delphi"]
RECENT = ["TikTok", "Rust", "Kotlin", "React", "Figma", "Prompt Engineering", "Discord", "Flutter"]

YEARS = (1900, 2100)
PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")
WORD = re.compile(rb"[A-Za-z0-9\x80-\xff]+")
SMALL = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
MISSING = math.nan


def number(value, low, high):
    """A number within its bounds, else missing."""
    if isinstance(value, str) and PLAIN.match(value):
        value = float(value)  # "84"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return MISSING
    # Compared before it is converted: a whole number can be larger than any float.
    return float(value) if low <= value <= high else MISSING


def rank(value, words):
    return float(words.index(value)) if isinstance(value, str) and value in words else MISSING


def category(value, words):
    if not isinstance(value, str):
        return MISSING
    return float(words.index(value) if value in words else len(words))


def has_word(value, words):
    if not isinstance(value, str):
        return MISSING
    found = WORD.findall(value.translate(SMALL).encode("utf-8", "surrogatepass"))
    return float(any(word.decode("utf-8", "replace") in words for word in found))


def any_of(value, words):
    if not isinstance(value, list):
        return MISSING
    folded = {word.translate(SMALL) for word in words}
    return float(any(isinstance(each, str) and each.translate(SMALL) in folded for each in value))


def size(value):
    return float(len(value)) if isinstance(value, list) else MISSING


def length(value):
    return float(len(value)) if isinstance(value, str) else MISSING


def start_years(jobs):
    """The years in bounds at which jobs began; none where there is no list."""
    if not isinstance(jobs, list):
        return []
    years = [number(job.get("start_year"), *YEARS) for job in jobs if isinstance(job, dict)]
    return [year for year in years if not math.isnan(year)]


def refuse(word):
    raise ValueError(f"{word} is no JSON")


def parse(text):
    """JSON by the letter: Python's NaN and Infinity are none."""
    return json.loads(text, parse_constant=refuse)


def id_of(record):
    """The pid as text: a whole number, or a text of at most 256 bytes without control characters."""
    pid = record["pid"]
    if isinstance(pid, int) and not isinstance(pid, bool):
        return str(pid)
    if isinstance(pid, str) and 0 < len(pid.encode()) <= 256 and min(pid) >= " ":
        return pid
    raise ValueError("no pid")


def profile_of(record):
    """The profile as an object; empty where it is none or cannot be read."""
    profile = record.get("profile_json")
    if isinstance(profile, str):
        try:
            profile = parse(profile)
        except ValueError:
            return {}
    return profile if isinstance(profile, dict) else {}


def features(profile, as_of):
    years = start_years(profile.get("jobs"))
    title = profile.get("job_title")
    skills = profile.get("skills")
    since = lambda year: as_of - year
    return {
        "tenure_months": number(profile.get("tenure_months"), 0, 900),
        "job_level": rank(profile.get("job_level"), LEVELS),
        "connections": number(profile.get("linkedin_connections"), 0, 1e8),
        "education": rank(profile.get("education_level"), EDUCATIONS),
        "years_since_graduation": since(number(profile.get("graduation_year"), *YEARS)),
        "job_count": size(profile.get("jobs")),
        "career_years": since(min(years)) if years else MISSING,
        "years_in_last_job": since(max(years)) if years else MISSING,
        "mean_job_start": since(sum(years) / len(years)) if years else MISSING,
        "skill_count": size(skills),
        "is_senior": has_word(title, SENIOR),
        "is_junior": has_word(title, JUNIOR),
        "is_manager": has_word(title, MANAGER),
        "title_length": length(title),
        "industry": category(profile.get("industry"), INDUSTRIES),
        "company_size": rank(profile.get("company_size"), SIZES),
        "has_early_skills": any_of(skills, EARLY),
        "has_recent_skills": any_of(skills, RECENT),
        "email_provider": category(profile.get("email_provider"), PROVIDERS),
        "profile_years": since(number(profile.get("profile_created_year"), *YEARS)),
        "certification_count": size(profile.get("certifications")),
        "recommendations": number(profile.get("recommendations"), 0, 1e6),
    }


def known_age(record, as_of):
    age = number(record.get("approximate_age"), 0, 120)
    return as_of - number(record.get("birth_year"), *YEARS) if math.isnan(age) else age


def read(lines, as_of):
    """A row for each record that can be read, and how many cannot."""
    rows, unread = [], 0
    for line in lines:
        try:
            record = parse(line)
            pid = id_of(record)
        except (ValueError, KeyError, TypeError):
            unread += 1
            continue
        row = {"pid": pid} | features(profile_of(record), as_of)
        rows.append(row | {"known_age": known_age(record, as_of)})
    return pandas.DataFrame(rows), unread


def shortest(value):
    """A float32 as the shortest text that gives it again; whole numbers with `.0`, as Swift and numpy have them."""
    return "" if math.isnan(value) else repr(float(str(numpy.float32(value))))


def main():
    parser = argparse.ArgumentParser(description="The 22 features of the age pipeline, computed in pandas.")
    parser.add_argument("records", help="JSONL; - is standard input")
    parser.add_argument("--as-of-year", type=int, default=2026)
    parser.add_argument("--output", default="-", help="CSV; - is standard output")
    options = parser.parse_args()
    lines = sys.stdin.buffer if options.records == "-" else open(options.records, "rb")
    table, unread = read(lines, options.as_of_year)
    for column in table.columns.drop("pid", errors="ignore"):
        table[column] = table[column].map(shortest)
    table.to_csv(sys.stdout if options.output == "-" else options.output, index=False, lineterminator="\n")
    print(f"age-oracle: {len(table)} records, {unread} unread", file=sys.stderr)


if __name__ == "__main__":
    main()
