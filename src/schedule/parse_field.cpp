// SPDX-License-Identifier: PostgreSQL
#include "schedule/parse_field.hpp"

#include "base/text.hpp"
#include "schedule/token.hpp"

namespace steward::schedule {

namespace {

constexpr int kMaxNth = 5;
constexpr int kMaxBeforeLast = 30;

struct FieldLimits {
    std::string_view name;
    int low;
    int high;  // 7 is Sunday once more
    int count;
};

const FieldLimits& limits_of(Field field) {
    static constexpr FieldLimits kLimits[] = {{"second", 0, 59, 60}, {"minute", 0, 59, 60},
                                              {"hour", 0, 23, 24},   {"day of month", 1, 31, 31},
                                              {"month", 1, 12, 12},  {"day of week", 0, 7, 7}};
    return kLimits[static_cast<int>(field)];
}

struct Value {
    int number = 0;
    bool is_name = false;
};

// Reads items separated by commas; each function stops at the first problem and leaves it in problem_.
class FieldParser {
public:
    FieldParser(Field field, std::string_view text, std::size_t offset, Calendar& calendar)
        : field_(field), limits_(limits_of(field)), text_(text), offset_(offset), calendar_(calendar) {}

    std::optional<Problem> run() {
        note_star();
        while (item()) {
            if (at_end()) return std::nullopt;
            if (!take(',')) {
                unexpected();
                break;
            }
        }
        return problem_;
    }

private:
    bool at_end() const { return at_ == text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[at_]; }
    bool peek_is(char upper_case) const { return peek() != '\0' && lower(peek()) == lower(upper_case); }
    bool take(char c) {
        if (!peek_is(c)) return false;
        ++at_;
        return true;
    }
    std::string_view take_digits() {
        const std::size_t begin = at_;
        while (is_digit(peek())) ++at_;
        return text_.substr(begin, at_ - begin);
    }
    std::string_view since(std::size_t begin) const { return text_.substr(begin, at_ - begin); }

    bool fail(std::size_t at, std::string fact, std::string hint) {
        problem_ = Problem{offset_ + at, std::move(fact), std::move(hint)};
        return false;
    }

    bool unexpected() {
        if (at_end()) {
            return fail(at_, fmt::format("a value of {} is missing", limits_.name), "Leave no comma without a value.");
        }
        std::string hint = "Values are numbers or ranges, separated by commas, as in 5,10,20-30.";
        if (is_digit(peek()) && at_ > 0 && text_[at_ - 1] == '*') {
            hint = fmt::format("Write */{} for a step.", cut(take_rest()));
        } else if (peek() == '?') {
            hint = "Write * instead.";
        }
        return fail(at_, fmt::format("unexpected \"{}\" in {}", peek(), limits_.name), std::move(hint));
    }

    std::string_view take_rest() const { return text_.substr(at_); }
    static std::string_view cut(std::string_view text) { return base::cut_utf8(text, 20); }

    void note_star() {
        const bool star = peek() == '*';
        switch (field_) {
        case Field::minute: calendar_.minute_star = star; break;
        case Field::hour: calendar_.hour_star = star; break;
        case Field::day: calendar_.day_star = star; break;
        case Field::weekday: calendar_.weekday_star = star; break;
        case Field::second:
        case Field::month: break;
        }
    }

    bool item() {
        const std::size_t begin = at_;
        if (take('*')) {
            const int high = limits_.low + limits_.count - 1;
            return at_end() || peek() == ',' || peek() == '/' ? steps(begin, limits_.low, high) : unexpected();
        }
        if (field_ == Field::day && (peek() == '$' || peek_is('L'))) {
            return last_day();
        }
        Value low;
        if (!value(low)) return false;
        if (field_ == Field::day && take('W')) {
            calendar_.workdays_near |= std::uint32_t{1} << low.number;
            return true;
        }
        if (field_ == Field::weekday && (peek() == '#' || peek_is('L'))) {
            return nth_weekday(low.number % kDaysPerWeek);
        }
        if (take('-')) {
            Value high;
            return value(high) && range(begin, low, high);
        }
        if (peek() == '/') {
            return fail(begin, fmt::format("a step in {} needs a range", limits_.name),
                        fmt::format("Write {}-{}{}.", low.number, limits_.low + limits_.count - 1, cut(take_rest())));
        }
        set(low.number);
        return true;
    }

    // A number within the limits, or a name where the field has names.
    bool value(Value& value) {
        const std::size_t begin = at_;
        if (is_letter(peek())) return name(value);
        const std::string_view digits = take_digits();
        if (digits.empty()) return unexpected();
        const auto number = read_number(digits);
        if (!number || *number < limits_.low || *number > limits_.high) {
            return fail(
                begin,
                fmt::format("{} {} is not within {} to {}", limits_.name, cut(digits), limits_.low, limits_.high),
                field_ == Field::hour && number == 24 ? "Midnight is hour 0." : "");
        }
        value = Value{static_cast<int>(*number), false};
        return true;
    }

    bool name(Value& value) {
        const std::size_t begin = at_;
        while (is_letter(peek())) ++at_;
        // FRIL: the name ends before the L.
        if (field_ == Field::weekday && at_ - begin == 4 && lower(text_[at_ - 1]) == 'l') --at_;
        const std::string_view word = since(begin);
        const auto month = find_month(word);
        const auto weekday = find_weekday(word);
        if (field_ == Field::month && month) {
            value = Value{*month, true};
            return true;
        }
        if (field_ == Field::weekday && weekday) {
            value = Value{*weekday, true};
            return true;
        }
        std::string hint;
        if (weekday) {
            hint = "Days of the week belong into the last field.";
        } else if (month) {
            hint = "Months belong into the last field but one.";
        } else if (field_ == Field::weekday) {
            hint = same_word(word, "l") ? "Write FRIL for the last Friday of a month."
                                        : "Names have three letters: sun, mon, tue, wed, thu, fri, sat.";
        } else if (field_ == Field::month) {
            hint = "Names have three letters: jan, feb, mar and so on to dec.";
        } else {
            hint = "Write numbers here.";
        }
        return fail(begin, fmt::format("unexpected \"{}\" in {}", cut(word), limits_.name), std::move(hint));
    }

    bool range(std::size_t begin, Value low, Value high) {
        int end = high.number;
        if (end < low.number) {
            if (field_ != Field::weekday && !low.is_name && !high.is_name) {
                return fail(begin, fmt::format("the range {} of {} runs backwards", since(begin), limits_.name),
                            fmt::format("Write {}-{},{}-{}.", low.number, limits_.high, limits_.low, high.number));
            }
            end += limits_.count;  // 7-0 is Sunday to Sunday: one day
        }
        return steps(begin, low.number, end);
    }

    // low..high, with the step that may follow; beyond the end of the field it goes on at its beginning.
    bool steps(std::size_t begin, int low, int high) {
        std::int64_t step = 1;
        if (take('/')) {
            const std::size_t step_at = at_;
            const std::string_view digits = take_digits();
            if (digits.empty()) {
                return fail(step_at, fmt::format("the step of {} is missing", limits_.name),
                            "Write a number behind the slash.");
            }
            const auto number = read_number(digits);
            if (number == 0) {
                return fail(step_at, fmt::format("a step of 0 in {} goes nowhere", limits_.name), "Steps begin at 1.");
            }
            const int count = high - low + 1;
            if (!number || *number > count) {
                return fail(step_at,
                            fmt::format("the step {} of {} is larger than its range of {} values", cut(digits),
                                        limits_.name, count),
                            step_hint(begin, low, digits));
            }
            step = *number;
        }
        for (std::int64_t number = low; number <= high; number += step) {
            set(static_cast<int>(number));
        }
        return true;
    }

    std::string step_hint(std::size_t begin, int low, std::string_view digits) const {
        const bool is_whole =
            text_[begin] == '*' && field_ != Field::month && field_ != Field::weekday && digits.size() < 6;
        const std::string_view unit = field_ == Field::day ? "day" : limits_.name;
        return is_whole ? fmt::format("Write \"every {} {}s\" as the whole schedule, or {} for the first {} only.",
                                      digits, unit, low, unit)
                        : fmt::format("Write {} for the first value only.", low);
    }

    // `$`, `L`, `L-3`, `LW`
    bool last_day() {
        const std::size_t begin = at_;
        const bool is_letter_l = peek() != '$';
        ++at_;
        if (is_letter_l && take('W')) {
            calendar_.workdays_near |= 1;
            return true;
        }
        std::int64_t before = 0;
        if (is_letter_l && take('-')) {
            const std::string_view digits = take_digits();
            if (digits.empty()) return unexpected();
            const auto number = read_number(digits);
            if (!number || *number > kMaxBeforeLast) {
                return fail(begin, fmt::format("no month has a day {} before its last", cut(digits)),
                            fmt::format("L-{} is the first day of the longest months.", kMaxBeforeLast));
            }
            before = *number;
        }
        calendar_.days_before_last |= std::uint32_t{1} << before;
        return true;
    }

    // Behind the weekday: `#2`, `L`
    bool nth_weekday(int weekday) {
        std::uint8_t& nth = calendar_.nth_weekdays[static_cast<std::size_t>(weekday)];
        if (take('L')) {
            nth |= 1;
            return true;
        }
        take('#');
        const std::size_t begin = at_;
        const std::string_view digits = take_digits();
        if (digits.empty()) return unexpected();
        const auto number = read_number(digits);
        if (!number || *number < 1 || *number > kMaxNth) {
            return fail(begin, fmt::format("no month has a day of week #{}", cut(digits)),
                        "Weekdays of a month are counted from 1 to 5; FRIL is the last Friday.");
        }
        nth = static_cast<std::uint8_t>(nth | 1U << *number);
        return true;
    }

    void set(int number) {
        const int folded = limits_.low + (number - limits_.low) % limits_.count;
        const std::uint64_t bit = std::uint64_t{1} << folded;
        const auto bit32 = static_cast<std::uint32_t>(bit);
        switch (field_) {
        case Field::second: calendar_.seconds |= bit; break;
        case Field::minute: calendar_.minutes |= bit; break;
        case Field::hour: calendar_.hours |= bit32; break;
        case Field::day: calendar_.days |= bit32; break;
        case Field::month: calendar_.months |= bit32; break;
        case Field::weekday: calendar_.weekdays |= bit32; break;
        }
    }

    Field field_;
    const FieldLimits& limits_;
    std::string_view text_;
    std::size_t offset_;
    Calendar& calendar_;
    std::size_t at_ = 0;
    std::optional<Problem> problem_;
};

}  // namespace

std::optional<Problem> parse_field(Field field, std::string_view text, std::size_t offset, Calendar& calendar) {
    return FieldParser(field, text, offset, calendar).run();
}

}  // namespace steward::schedule
