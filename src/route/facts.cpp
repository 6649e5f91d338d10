// SPDX-License-Identifier: PostgreSQL
#include "route/facts.hpp"

#include <charconv>
#include <stdexcept>

#include "base/array.hpp"
#include "base/text.hpp"
#include "route/node.hpp"

namespace steward::route {

namespace {

using Column = std::optional<std::string>;

template <class Number>
std::optional<Number> parse(std::string_view text, int base = 10) {
    Number number{};
    const char* end = text.data() + text.size();
    auto [stop, error] = std::from_chars(text.data(), end, number, base);
    if (error != std::errc() || stop != end) return std::nullopt;
    return number;
}

// Null reads as 0.
template <class Number>
bool read(const Column& column, Number& number) {
    if (!column) return true;
    auto parsed = parse<Number>(*column);
    if (parsed) number = *parsed;
    return parsed.has_value();
}

bool read(const Column& column, Lsn& lsn) {
    if (!column) return true;
    auto parsed = parse_lsn(*column);
    if (parsed) lsn = *parsed;
    return parsed.has_value();
}

bool read_ages(const Column& column, std::vector<std::optional<std::int64_t>>& ages) {
    if (!column) return true;
    for (const std::string& item : base::array_items(*column)) {
        auto age = parse<std::int64_t>(item);
        if (!age) return false;
        ages.push_back(*age < 0 ? std::nullopt : age);
    }
    return true;
}

bool read_blocker(const std::vector<Column>& columns, Blocker& blocker) {
    copy_short(blocker.reason, plain_line(columns[19].value_or(""), kShortBytes));
    copy_short(blocker.query, plain_line(columns[22].value_or(""), kQueryBytes));
    return read(columns[20], blocker.pid) && read(columns[21], blocker.age);
}

bool read_view(const std::vector<Column>& columns, Answer& answer) {
    std::int64_t instance = 0;
    if (!read(columns[13], instance) || !read(columns[14], answer.view.timeline) ||
        !read(columns[15], answer.view_age) || !read(columns[16], answer.view.newest_timeline))
        return false;
    answer.view.is_known = columns[15].has_value();
    answer.view.instance = static_cast<std::uint64_t>(instance);
    return true;
}

bool read_all(const std::vector<Column>& columns, Answer& answer) {
    Facts& facts = answer.facts;
    std::int64_t instance = 0;
    if (!read(columns[0], instance) || !read(columns[1], facts.system_identifier) ||
        !read(columns[4], facts.timeline) || !read(columns[5], facts.flushed) || !read(columns[6], facts.replayed) ||
        !read(columns[9], facts.upstream_port) || !read(columns[11], facts.conflicts) ||
        !read_ages(columns[12], answer.ages) || !read_view(columns, answer) || !read(columns[17], facts.connections) ||
        !read(columns[18], facts.max_connections) || !read_blocker(columns, facts.blocker))
        return false;
    facts.instance = static_cast<std::uint64_t>(instance);
    facts.is_standby = columns[2] == "t";
    facts.is_replay_paused = columns[3] == "t";
    copy_short(facts.receiver_state, plain_line(columns[7].value_or(""), kShortBytes));
    copy_short(facts.upstream_host, plain_line(columns[8].value_or(""), kShortBytes));
    copy_short(facts.slot_name, plain_line(columns[10].value_or(""), kShortBytes));
    return true;
}

}  // namespace

base::Result<Answer> read_answer(const std::vector<Column>& columns) {
    Answer answer;
    bool is_read = false;
    try {
        is_read = columns.size() == kFactColumns && read_all(columns, answer);
    } catch (const std::runtime_error&) {
    }
    if (is_read) return answer;
    return base::Failure{base::kInvalidTextRepresentation, "the node's answer cannot be read", "", ""};
}

std::optional<Lsn> parse_lsn(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    auto high = parse<std::uint32_t>(text.substr(0, slash), 16);
    auto low = parse<std::uint32_t>(text.substr(slash + 1), 16);
    if (!high || !low) return std::nullopt;
    return Lsn{(std::uint64_t{*high} << 32U) | *low};
}

std::string format_lsn(Lsn lsn) { return fmt::format("{:X}/{:X}", lsn.value >> 32U, lsn.value & 0xffffffffU); }

}  // namespace steward::route
