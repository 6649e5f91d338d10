// SPDX-License-Identifier: PostgreSQL
#include "base/json.hpp"

#include "base/text.hpp"

namespace steward::base {

std::string json_string(std::string_view text) {
    std::string json = "\"";
    for (char c : text) {
        switch (c) {
        case '"': json += "\\\""; break;
        case '\\': json += "\\\\"; break;
        case '\n': json += "\\n"; break;
        case '\r': json += "\\r"; break;
        case '\t': json += "\\t"; break;
        default:
            if (static_cast<unsigned char>(c) < 0x20)
                json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
            else
                json += c;
        }
    }
    return json + "\"";
}

std::string json_strings(const std::vector<std::string>& texts) {
    std::string json;
    for (const std::string& text : texts) json += (json.empty() ? "" : ", ") + json_string(text);
    return "[" + json + "]";
}

}  // namespace steward::base
