// SPDX-License-Identifier: PostgreSQL
#include "schedule/expression.hpp"

#include <utility>
#include <vector>

#include "base/text.hpp"
#include "schedule/calendar.hpp"
#include "schedule/parse_field.hpp"
#include "schedule/token.hpp"

namespace steward::schedule {

namespace {

constexpr char kForms[] =
    "A schedule is five fields (minute, hour, day of month, month, day of week), six with the second in "
    "front, \"every 15 minutes\", or a word such as @daily.";

struct Word {
    std::size_t offset;
    std::string_view text;
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::vector<Word> split(std::string_view text) {
    std::vector<Word> words;
    for (std::size_t at = 0; at < text.size();) {
        if (is_space(text[at])) {
            ++at;
            continue;
        }
        const std::size_t begin = at;
        while (at < text.size() && !is_space(text[at])) {
            ++at;
        }
        words.push_back(Word{begin, text.substr(begin, at - begin)});
    }
    return words;
}

// Either the value is there, or the problem.
template <class T>
using Parsed = std::variant<T, Problem>;
using When = std::variant<Calendar, Every, Event>;

std::optional<Problem> check_characters(std::string_view text) {
    if (text.size() > kMaxTextBytes) {
        return Problem{kMaxTextBytes, fmt::format("it has more than {} characters", kMaxTextBytes),
                       "Split it up into several jobs."};
    }
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool is_printable = text[at] > ' ' && text[at] <= '~';
        if (!is_printable && !is_space(text[at])) {
            return Problem{at, "there is a character that no schedule has", kForms};
        }
    }
    return std::nullopt;
}

Parsed<When> parse_fields(const std::vector<Word>& words, std::size_t end) {
    if (words.size() < kCronFields) {
        return Problem{end, fmt::format("it has {} field{}, not 5 or 6", words.size(), words.size() == 1 ? "" : "s"),
                       kForms};
    }
    if (words.size() > kCronFields + 1) {
        return Problem{
            words[kCronFields + 1].offset,
            fmt::format("unexpected \"{}\" behind its fields", base::cut_utf8(words[kCronFields + 1].text, 20)),
            kForms};
    }
    Calendar calendar;
    calendar.has_seconds = words.size() == kCronFields + 1;
    int field = static_cast<int>(Field::minute);
    if (calendar.has_seconds) {
        calendar.seconds = 0;
        field = static_cast<int>(Field::second);
    }
    for (const Word& word : words) {
        if (auto problem = parse_field(static_cast<Field>(field++), word.text, word.offset, calendar)) {
            return *std::move(problem);
        }
    }
    if (!has_any_day(calendar)) {
        return Problem{words[words.size() - 3].offset, "it can never run, no month has such a day",
                       "$ in the day of month is the last day of each month."};
    }
    return calendar;
}

Parsed<When> parse_word(const Word& word) {
    struct Named {
        std::string_view name;
        std::string_view fields;
    };
    static constexpr Named kNamed[] = {{"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
                                       {"@weekly", "0 0 * * 0"},  {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
                                       {"@annually", "0 0 1 1 *"}};
    for (const Named& named : kNamed) {
        if (same_word(word.text, named.name)) {
            return parse_fields(split(named.fields), 0);
        }
    }
    if (same_word(word.text, "@startup")) return Event::startup;
    if (same_word(word.text, "@promotion")) return Event::promotion;
    if (same_word(word.text, "@after_crash")) return Event::after_crash;
    if (same_word(word.text, "@reboot")) {
        return Problem{word.offset, "@reboot does not say what is meant",
                       "Write @startup (each start of the server), @promotion (a standby becomes primary) or "
                       "@after_crash (the server restarts after a crash)."};
    }
    return Problem{
        word.offset, fmt::format("{} is not known", base::cut_utf8(word.text, 20)),
        "The words are @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually, @startup, @promotion "
        "and @after_crash."};
}

struct Unit {
    std::string_view names;  // between spaces
    std::int64_t seconds;    // 0: days
    std::int64_t days;
};

constexpr Unit kUnits[] = {{" s sec secs second seconds ", 1, 0},
                           {" m min mins minute minutes ", 60, 0},
                           {" h hr hrs hour hours ", 3600, 0},
                           {" d day days ", 0, 1},
                           {" w week weeks ", 0, 7}};

const Unit* find_unit(std::string_view word) {
    for (const Unit& unit : kUnits) {
        for (const Word& name : split(unit.names)) {
            if (same_word(word, name.text)) {
                return &unit;
            }
        }
    }
    return nullptr;
}

// A number and a unit, in one word or two: what stands behind "every", and all of pg_cron's "30 seconds".
struct Count {
    Word digits;
    Word unit;
    Word rest;  // what should not be there
};

Count split_count(std::string_view text, std::size_t from) {
    Count count{};
    const auto skip = [&] {
        while (from < text.size() && is_space(text[from])) ++from;
    };
    const auto take = [&](auto belongs) {
        skip();
        const std::size_t begin = from;
        while (from < text.size() && belongs(text[from])) ++from;
        return Word{begin, text.substr(begin, from - begin)};
    };
    count.digits = take(is_digit);
    count.unit = take(is_letter);
    skip();
    count.rest = Word{from, text.substr(from)};
    return count;
}

Parsed<When> parse_every(std::string_view text, std::size_t from, std::size_t end) {
    constexpr char kUnitHint[] = "Write a whole number and a unit: seconds, minutes, hours, days or weeks.";
    const Count count = split_count(text, from);
    if (count.unit.text.empty()) {
        const std::size_t at = count.rest.text.empty() ? end : count.rest.offset;
        return Problem{at, count.digits.text.empty() ? "the number is missing" : "the unit is missing", kUnitHint};
    }
    const Unit* unit = find_unit(count.unit.text);
    if (unit == nullptr) {
        const bool is_long = same_word(count.unit.text, "month") || same_word(count.unit.text, "months") ||
                             same_word(count.unit.text, "year") || same_word(count.unit.text, "years");
        return Problem{count.unit.offset, fmt::format("the unit {} is not known", base::cut_utf8(count.unit.text, 20)),
                       is_long ? "Write fields: \"0 0 1 * *\" runs each month, \"0 0 1 */3 *\" each third one."
                               : kUnitHint};
    }
    if (!count.rest.text.empty()) {
        return Problem{count.rest.offset,
                       fmt::format("unexpected \"{}\" behind the unit", base::cut_utf8(count.rest.text, 20)),
                       "Write it with one unit: \"every 90 minutes\"."};
    }
    const auto number = count.digits.text.empty() ? std::optional<std::int64_t>(1) : read_number(count.digits.text);
    if (number == 0) {
        return Problem{count.digits.offset, "a step of 0 goes nowhere", "Steps begin at 1."};
    }
    if (!number || *number * (unit->seconds + unit->days * kSecondsPerDay) > kHorizonDays * kSecondsPerDay) {
        return Problem{count.digits.offset,
                       fmt::format("{} {} is too long a step", base::cut_utf8(count.digits.text, 20), count.unit.text),
                       fmt::format("Steps go up to eight years, {} days.", kHorizonDays)};
    }
    Every every;
    every.step.days = static_cast<std::int32_t>(*number * unit->days);
    every.step.micros = *number * unit->seconds * base::kMicrosPerSecond;
    return every;
}

// "30 seconds": nothing but a number and letters.
bool is_bare_count(std::string_view text) {
    const Count count = split_count(text, 0);
    return !count.digits.text.empty() && find_unit(count.unit.text) != nullptr && count.rest.text.empty();
}

Parsed<When> parse(std::string_view text, const std::vector<Word>& words) {
    if (auto problem = check_characters(text)) {
        return *std::move(problem);
    }
    if (words.empty()) {
        return Problem{0, "it is empty", kForms};
    }
    const std::size_t end = words.back().offset + words.back().text.size();
    if (words[0].text[0] == '@') {
        if (words.size() > 1) {
            return Problem{words[1].offset,
                           fmt::format("unexpected \"{}\" behind {}", base::cut_utf8(words[1].text, 20),
                                       base::cut_utf8(words[0].text, 20)),
                           kForms};
        }
        return parse_word(words[0]);
    }
    if (same_word(words[0].text, "every")) {
        return parse_every(text, words[0].offset + words[0].text.size(), end);
    }
    if (is_bare_count(text)) {
        return parse_every(text, 0, end);
    }
    return parse_fields(words, end);
}

}  // namespace

base::Result<Expression> parse_schedule(std::string_view text) {
    const std::vector<Word> words = split(text);
    Parsed<When> parsed = parse(text, words);
    if (const Problem* problem = std::get_if<Problem>(&parsed)) {
        const std::string_view shown = base::cut_utf8(text, 80);
        return base::Failure{base::kInvalidParameter,
                             fmt::format("invalid schedule \"{}{}\": {} (position {})", shown,
                                         shown.size() < text.size() ? "..." : "", problem->fact, problem->offset + 1),
                             "", problem->hint};
    }
    const std::size_t begin = words.front().offset;
    const std::size_t end = words.back().offset + words.back().text.size();
    return Expression{std::get<When>(std::move(parsed)), std::string(text.substr(begin, end - begin))};
}

}  // namespace steward::schedule
