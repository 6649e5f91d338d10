// SPDX-License-Identifier: PostgreSQL
#include "maintain/request_pg.hpp"

#include "base/pack.hpp"
#include "base/text.hpp"

namespace steward::maintain {

namespace {

template <class T>
std::string text_of(const std::optional<T>& value) {
    return value ? fmt::format("{}", *value) : "";
}

std::optional<std::int64_t> bytes_of(const std::string& text) {
    if (text.empty()) return std::nullopt;
    return std::stoll(text);
}

}  // namespace

std::string encode(const Order& order) {
    const Wishes& wishes = order.wishes;
    std::vector<std::string> fields = {fmt::format("{}", order.role), text_of(wishes.seconds),
                                       text_of(wishes.wal_bytes), text_of(order.disk_bytes),
                                       fmt::format("{}", wishes.min_score)};
    for (Action action : wishes.actions) fields.emplace_back(name_of(action));
    return base::pack(fields);
}

Order decode(const std::string& text) {
    std::vector<std::string> fields = base::unpack(text);
    Order order;
    order.role = static_cast<Oid>(std::stoul(fields.at(0)));
    if (!fields.at(1).empty()) order.wishes.seconds = std::stod(fields.at(1));
    order.wishes.wal_bytes = bytes_of(fields.at(2));
    order.disk_bytes = bytes_of(fields.at(3));
    order.wishes.min_score = std::stod(fields.at(4));
    for (std::size_t i = 5; i < fields.size(); ++i) order.wishes.actions.insert(action_of(fields[i]).value());
    return order;
}

}  // namespace steward::maintain
