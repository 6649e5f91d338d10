// SPDX-License-Identifier: PostgreSQL
#include "maintain/backup.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/text.hpp"

namespace steward::maintain {

namespace {

constexpr std::string_view kLocation = "{location}";
constexpr std::string_view kStamp = "-99999999T999999Z";  // 9 stands for a digit

using base::is_digit;
using base::is_letter;

}  // namespace

bool is_fit_for_file(std::string_view name) {
    if (name.empty() || name.size() > 100 || !(is_letter(name[0]) || is_digit(name[0]))) return false;
    return std::all_of(name.begin(), name.end(),
                       [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; });
}

std::string backup_name(std::string_view program, base::Instant at) {
    const base::Civil utc = base::civil_from(base::to_local(at, base::utc()));
    return fmt::format("{}-{:04}{:02}{:02}T{:02}{:02}{:02}Z", program, utc.year, utc.month, utc.day, utc.hour,
                       utc.minute, utc.second);
}

bool is_backup_name(std::string_view program, std::string_view name) {
    if (!is_fit_for_file(program) || name.substr(0, program.size()) != program) return false;
    std::string_view rest = name.substr(program.size());
    if (rest.size() == kStamp.size() + kPartial.size() && rest.substr(kStamp.size()) == kPartial)
        rest.remove_suffix(kPartial.size());
    return rest.size() == kStamp.size() && std::equal(rest.begin(), rest.end(), kStamp.begin(), [](char c, char like) {
               return like == '9' ? is_digit(c) : c == like;
           });
}

std::vector<std::string> with_location(const std::vector<std::string>& argv, const std::string& location) {
    std::vector<std::string> replaced;
    for (std::string argument : argv) {
        for (std::size_t at = 0; (at = argument.find(kLocation, at)) != std::string::npos; at += location.size())
            argument.replace(at, kLocation.size(), location);
        replaced.push_back(std::move(argument));
    }
    return replaced;
}

bool uses_location(const std::vector<std::string>& argv) {
    return std::any_of(argv.begin(), argv.end(),
                       [](const std::string& argument) { return argument.find(kLocation) != std::string::npos; });
}

}  // namespace steward::maintain
