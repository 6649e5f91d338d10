// SPDX-License-Identifier: PostgreSQL
//
// Settings, two lines each. The variable's own initial value is the default; descriptions are sentences ("Sets the ...").
#pragma once

#include "pg/postgres.hpp"

namespace steward::pg {

struct IntRange {
    int min;
    int max;
};

inline void define_setting(const char* name, const char* description, int* variable, IntRange range, GucContext context,
                           int unit) {
    DefineCustomIntVariable(name, description, nullptr, variable, *variable, range.min, range.max, context, unit,
                            nullptr, nullptr, nullptr);
}

// on_assign hears of each value that it takes.
inline void define_setting(const char* name, const char* description, int* variable, IntRange range, GucContext context,
                           int unit, GucIntAssignHook on_assign) {
    DefineCustomIntVariable(name, description, nullptr, variable, *variable, range.min, range.max, context, unit,
                            nullptr, on_assign, nullptr);
}

struct RealRange {
    double min;
    double max;
};

inline void define_setting(const char* name, const char* description, double* variable, RealRange range,
                           GucContext context) {
    DefineCustomRealVariable(name, description, nullptr, variable, *variable, range.min, range.max, context, 0, nullptr,
                             nullptr, nullptr);
}

inline void define_setting(const char* name, const char* description, bool* variable, GucContext context) {
    DefineCustomBoolVariable(name, description, nullptr, variable, *variable, context, 0, nullptr, nullptr, nullptr);
}

// on_assign hears of each value that it takes.
inline void define_setting(const char* name, const char* description, bool* variable, GucContext context,
                           GucBoolAssignHook on_assign) {
    DefineCustomBoolVariable(name, description, nullptr, variable, *variable, context, 0, nullptr, on_assign, nullptr);
}

// `choices` is ended by a null name; the variable holds their values.
inline void define_setting(const char* name, const char* description, int* variable, const config_enum_entry* choices,
                           GucContext context, GucEnumAssignHook assign = nullptr) {
    DefineCustomEnumVariable(name, description, nullptr, variable, *variable, choices, context, 0, nullptr, assign,
                             nullptr);
}

}  // namespace steward::pg
