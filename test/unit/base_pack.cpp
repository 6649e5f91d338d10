// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <stdexcept>

#include "base/pack.hpp"

namespace steward::base {
namespace {

TEST(Pack, TextsComeBackWhateverTheyHold) {
    std::vector<std::string> texts{"", "plain", std::string("\0\1", 2), std::string(70'000, 'x')};
    EXPECT_EQ(unpack(pack(texts)), texts);
    EXPECT_TRUE(unpack("").empty());
}

TEST(Pack, CutMessageIsRefused) {
    std::string message = pack({"hello"});
    EXPECT_THROW(unpack(message.substr(0, message.size() - 1)), std::runtime_error);
    EXPECT_THROW(unpack(message.substr(0, 2)), std::runtime_error);
}

}  // namespace
}  // namespace steward::base
