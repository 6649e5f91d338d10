// SPDX-License-Identifier: PostgreSQL
//
// Random schedules, each with what it means: written without a look at the parser and the search, to judge both by.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace steward::test {

struct Date {
    int year = 1970;
    int month = 1;
    int day = 1;
    int weekday = 4;  // 0 = Sunday

    int days_in_month() const {
        static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        return month == 2 && is_leap ? 29 : kDays[month - 1];
    }
    Date next() const {
        Date date = *this;
        date.weekday = (weekday + 1) % 7;
        if (++date.day > days_in_month()) {
            date.day = 1;
            date.month = month % 12 + 1;
            date.year += month == 12 ? 1 : 0;
        }
        return date;
    }
};

struct RandomSchedule {
    std::string text;
    bool second[60] = {};
    bool minute[60] = {};
    bool hour[24] = {};
    bool month[13] = {};
    bool has_seconds = false;
    bool is_fixed = true;

    bool matches(const Date& date) const {
        if (!month[date.month]) return false;
        const bool by_day = is_in_days(date);
        const bool by_weekday = is_in_weekdays(date);
        return day_star_ || weekday_star_ ? by_day && by_weekday : by_day || by_weekday;
    }
    bool matches_clock(int second_of_day) const {
        return second[second_of_day % 60] && minute[second_of_day / 60 % 60] && hour[second_of_day / 3600];
    }

private:
    friend class ScheduleDice;

    bool is_in_days(const Date& date) const {
        if (days_[date.day] || (last_minus_ >= 0 && date.day == date.days_in_month() - last_minus_)) return true;
        // A working day takes in the weekend days that are nearest to it.
        if (date.weekday == 0 || date.weekday == 6) return false;
        const int last = date.days_in_month();
        if (near_ == kLastWorkday) return date.day == last || (date.weekday == 5 && last - date.day <= 2);
        if (near_ < 1 || near_ > last) return false;
        const int ahead = near_ - date.day;
        const bool is_friday_before = date.weekday == 5 && (ahead == 1 || (ahead == 2 && near_ == last));
        const bool is_monday_behind =
            date.weekday == 1 && ((ahead == -1 && near_ < last) || (ahead == -2 && near_ == 1));
        return ahead == 0 || is_friday_before || is_monday_behind;
    }
    bool is_in_weekdays(const Date& date) const {
        if (weekdays_[date.weekday]) return true;
        if (date.weekday != nth_weekday_) return false;
        return nth_ == 0 ? date.day + 7 > date.days_in_month() : (date.day + 6) / 7 == nth_;
    }

    static constexpr int kLastWorkday = 99;
    bool days_[32] = {};
    bool weekdays_[7] = {};
    bool day_star_ = false;
    bool weekday_star_ = false;
    int last_minus_ = -1;
    int near_ = 0;
    int nth_weekday_ = -1;
    int nth_ = 0;  // 0: the last one
};

class ScheduleDice {
public:
    explicit ScheduleDice(std::uint64_t seed) : random_(seed) {}

    int roll(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
    std::int64_t roll64(std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
    }

    RandomSchedule schedule(bool has_seconds) {
        RandomSchedule s;
        s.has_seconds = has_seconds;
        if (has_seconds) {
            bool star = false;
            s.text = field(0, 59, s.second, star, roll(0, 2)) + " ";
        } else {
            s.second[0] = true;
        }
        bool minute_star = false, hour_star = false, month_star = false;
        s.text += field(0, 59, s.minute, minute_star, roll(0, 3)) + " ";
        s.text += field(0, 23, s.hour, hour_star, roll(0, 3)) + " ";
        s.is_fixed = !minute_star && !hour_star;
        s.text += day(s) + " ";
        s.text += (roll(0, 4) == 0 ? field(1, 12, s.month, month_star, 3) : star(1, 12, s.month, month_star)) + " ";
        s.text += weekday(s);
        return s;
    }

private:
    std::string star(int low, int high, bool* values, bool& is_star) {
        is_star = true;
        for (int i = low; i <= high; ++i) values[i] = true;
        return "*";
    }

    // kind 0: a star, perhaps with a step; else a list of up to `kind` items
    std::string field(int low, int high, bool* values, bool& is_star, int kind) {
        if (kind == 0 && roll(0, 1) == 0) return star(low, high, values, is_star);
        if (kind == 0) {
            is_star = true;
            const int step = roll(1, high - low + 1);
            for (int i = low; i <= high; i += step) values[i] = true;
            return "*/" + std::to_string(step);
        }
        std::string text;
        for (int n = 0; n < kind; ++n) {
            const int a = roll(low, high), b = roll(a, high);
            const int step = roll(1, b - a + 1);
            const int shape = roll(0, 2);
            if (n > 0) text += ",";
            text += std::to_string(a);
            if (shape > 0) text += "-" + std::to_string(b);
            if (shape > 1) text += "/" + std::to_string(step);
            for (int i = a; i <= (shape > 0 ? b : a); i += shape > 1 ? step : 1) values[i] = true;
        }
        return text;
    }

    std::string day(RandomSchedule& s) {
        switch (roll(0, 7)) {
        case 0: s.last_minus_ = 0; return roll(0, 1) == 0 ? "$" : "L";
        case 1: s.last_minus_ = roll(1, 10); return "l-" + std::to_string(s.last_minus_);
        case 2: s.near_ = roll(1, 31); return std::to_string(s.near_) + "W";
        case 3: s.near_ = RandomSchedule::kLastWorkday; return "LW";
        case 4: return field(1, 31, s.days_, s.day_star_, roll(1, 4));
        case 5: return field(1, 31, s.days_, s.day_star_, 0);
        default: return star(1, 31, s.days_, s.day_star_);
        }
    }

    std::string weekday(RandomSchedule& s) {
        static const char* const kNames[] = {"SUN", "mon", "Tue", "WED", "thu", "fri", "Sat"};
        const int a = roll(0, 6), b = roll(0, 6);
        switch (roll(0, 6)) {
        case 0:
            s.nth_weekday_ = a;
            s.nth_ = roll(1, 5);
            return (roll(0, 1) == 0 ? kNames[a] : std::to_string(a)) + ("#" + std::to_string(s.nth_));
        case 1: s.nth_weekday_ = a; return std::string(kNames[a]) + "L";
        case 2:
            for (int i = a;; i = (i + 1) % 7) {
                s.weekdays_[i] = true;
                if (i == b) break;
            }
            return roll(0, 1) == 0 ? std::string(kNames[a]) + "-" + kNames[b]
                                   : std::to_string(a) + "-" + std::to_string(b);
        case 3: s.weekdays_[a] = s.weekdays_[0] = true; return "7," + std::to_string(a);
        case 4: return field(0, 6, s.weekdays_, s.weekday_star_, 0);
        default: return star(0, 6, s.weekdays_, s.weekday_star_);
        }
    }

    std::mt19937_64 random_;
};

}  // namespace steward::test
