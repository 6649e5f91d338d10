// SPDX-License-Identifier: PostgreSQL
#include "base/pack.hpp"

#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace steward::base {

std::string pack(const std::vector<std::string>& texts) {
    std::string message;
    for (const std::string& text : texts) {
        auto length = static_cast<std::uint32_t>(text.size());
        message.append(reinterpret_cast<const char*>(&length), sizeof(length));
        message += text;
    }
    return message;
}

std::vector<std::string> unpack(std::string_view message) {
    std::vector<std::string> texts;
    while (!message.empty()) {
        std::uint32_t length = 0;
        if (message.size() < sizeof(length)) throw std::runtime_error("message is cut short");
        std::memcpy(&length, message.data(), sizeof(length));
        message.remove_prefix(sizeof(length));
        if (message.size() < length) throw std::runtime_error("message is cut short");
        texts.emplace_back(message.substr(0, length));
        message.remove_prefix(length);
    }
    return texts;
}

}  // namespace steward::base
