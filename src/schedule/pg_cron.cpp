// SPDX-License-Identifier: PostgreSQL
#include "schedule/pg_cron.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/text.hpp"
#include "schedule/calendar.hpp"
#include "schedule/expression.hpp"
#include "schedule/next_run.hpp"
#include "schedule/words.hpp"

namespace steward::schedule {

namespace {

constexpr std::size_t kMonthField = 3;
constexpr std::size_t kWeekdayField = 4;
constexpr std::int64_t kYearSeconds = 366LL * 86'400;
constexpr std::int64_t kMonthSeconds = 30LL * 86'400;

std::vector<std::string> split(std::string_view text, std::string_view separators) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
        if (end > at) words.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

std::string joined(const std::vector<std::string>& words, std::size_t from, std::size_t to) {
    std::string text;
    for (std::size_t i = from; i < to; ++i) text += (i > from ? " " : "") + words[i];
    return text;
}

// A number, or the place of a name in a list of three letters each.
int value_of(const std::string& word, std::string_view names, int first) {
    std::string lower;
    for (char c : word) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const std::size_t at = lower.size() == 3 ? names.find(lower) : std::string_view::npos;
    if (at != std::string_view::npos) return static_cast<int>(at / 3) + first;
    return word.size() <= 2 && word.find_first_not_of("0123456789") == std::string::npos ? std::stoi(word) : -1;
}

void note_reversed(const std::string& field, std::string_view names, int first, std::vector<std::string>& notes) {
    for (const std::string& item : split(field, ",")) {
        const std::vector<std::string> ends = split(item.substr(0, item.find('/')), "-");
        if (ends.size() != 2 || value_of(ends[0], names, first) <= value_of(ends[1], names, first)) continue;
        notes.push_back(
            fmt::format("{} goes round the end here; pg_cron takes no such range and runs on other days or never",
                        base::cut_utf8(item, 20)));
    }
}

void note_fields(const std::vector<std::string>& fields, std::vector<std::string>& notes) {
    note_reversed(fields[kMonthField], "janfebmaraprmayjunjulaugsepoctnovdec", 1, notes);
    note_reversed(fields[kWeekdayField], "sunmontuewedthufrisat", 0, notes);
    if (fields[kWeekdayField].find('#') != std::string::npos)
        notes.push_back(
            fmt::format("{} is one weekday of a month here; pg_cron leaves out what follows # and runs each week",
                        base::cut_utf8(fields[kWeekdayField], 20)));
}

bool changes_clocks(const base::Zone& zone, base::Instant now) {
    const std::int64_t from = now.micros / base::kMicrosPerSecond;
    for (std::int64_t at = from; at < from + kYearSeconds; at += kMonthSeconds)
        if (find_shift(zone, at, at + kMonthSeconds)) return true;
    return false;
}

std::string words_of(const std::vector<std::string>& words, std::vector<std::string>& notes) {
    const std::size_t wanted = words[0][0] == '@' ? 1 : kCronFields;
    if (words.size() > wanted && words[0][0] == '@') {
        notes.push_back(fmt::format("\"{}\" is left out, as pg_cron does", joined(words, wanted, words.size())));
    } else if (words.size() > wanted && std::isalpha(static_cast<unsigned char>(words[1][0])) == 0) {
        notes.push_back(
            fmt::format("pg_cron reads five fields and leaves out \"{}\"; so it is here, where six fields would "
                        "begin with the second",
                        base::cut_utf8(joined(words, wanted, words.size()), 40)));
    } else {
        return joined(words, 0, words.size());
    }
    return joined(words, 0, wanted);
}

}  // namespace

base::Result<CronReading> read_pg_cron(std::string_view text, bool matches_both_days, const base::Zone& zone,
                                       base::Instant now) {
    CronReading reading;
    const std::vector<std::string> words = split(text, " \t\n");
    if (!words.empty()) reading.schedule = words_of(words, reading.notes);
    if (reading.schedule == "@reboot" || reading.schedule == "@restart") {
        reading.schedule = "@startup";
        reading.notes.emplace_back(
            "runs at each start of the server; pg_cron's @reboot also whenever its launcher is replaced");
    } else if (reading.schedule == "@yearly" || reading.schedule == "@annually") {
        reading.notes.emplace_back("runs on 1 January; pg_cron from 1.6.0 on never runs it");
    }
    base::Result<Expression> parsed = parse_schedule(reading.schedule);
    if (!parsed) return parsed.failure();
    const Calendar* calendar = parsed->calendar();
    if (calendar == nullptr) return reading;
    if (const std::vector<std::string> fields = split(reading.schedule, " "); fields.size() == kCronFields)
        note_fields(fields, reading.notes);
    const bool restricts_both = !has_every_day(*calendar) && !has_every_weekday(*calendar);
    if (matches_both_days && restricts_both && calendar->is_either_day())
        return base::Failure{
            base::kInvalidParameter, "cron.match_dom_and_dow is on: day of month and day of week must both match there",
            "", "Here they must where one of the fields begins with *; else let the command look at the date."};
    if (!calendar->is_wildcard() && changes_clocks(zone, now))
        reading.notes.emplace_back(
            "runs once where the clocks change; pg_cron leaves it out in spring and repeats it in autumn "
            "at the times that are skipped and repeated");
    return reading;
}

}  // namespace steward::schedule
