// SPDX-License-Identifier: PostgreSQL
#include "pg/zone.hpp"

#include <limits>
#include <memory>
#include <unordered_map>

#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"

namespace steward::pg {

namespace {

constexpr std::int64_t kEpochShiftMicros =
    static_cast<std::int64_t>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;

class ServerZone final : public base::Zone {
public:
    ServerZone(pg_tz* zone, std::string name) : zone_(zone), name_(std::move(name)) {}

    // pg_localtime() only looks up tables: it neither allocates nor raises.
    std::int32_t offset_seconds(base::Instant at) const noexcept override {
        pg_time_t seconds = at.micros / base::kMicrosPerSecond;
        if (at.micros % base::kMicrosPerSecond < 0) --seconds;
        struct pg_tm* local = pg_localtime(&seconds, zone_);
        return local == nullptr ? 0 : static_cast<std::int32_t>(local->tm_gmtoff);
    }
    std::string_view name() const noexcept override { return name_; }

private:
    pg_tz* zone_;
    std::string name_;
};

using ZoneTable = std::unordered_map<std::string, std::unique_ptr<ServerZone>>;

// Never destroyed: backends exit without unwinding.
ZoneTable& known_zones() {
    static ZoneTable* const zones = new ZoneTable();
    return *zones;
}

}  // namespace

const base::Zone& zone(const std::string& name) {
    auto found = known_zones().find(name);
    if (found != known_zones().end()) return *found->second;
    const char* text = name.c_str();
    pg_tz* tz = call([&] {
        pg_tz* loaded = pg_tzset(text);
        return loaded != nullptr && pg_tz_acceptable(loaded) ? loaded : nullptr;
    });
    if (tz == nullptr)
        throw PgError(ERRCODE_INVALID_PARAMETER_VALUE, "time zone \"{}\" not recognized", name)
            .hint("The view pg_timezone_names lists the zones this server knows.");
    return *known_zones().emplace(name, std::make_unique<ServerZone>(tz, name)).first->second;
}

const base::Zone& session_zone() { return zone(pg_get_timezone_name(session_timezone)); }

std::string canonical_zone_name(const std::string& name) {
    zone(name);
    const char* text = name.c_str();
    return call([&] { return pg_get_timezone_name(pg_tzset(text)); });
}

// The setting's reset value is no answer: it may come from the client's environment or the role.
std::string database_zone_name() {
    SafePath path;
    auto of_database =
        query("SELECT substr(c, 10) FROM pg_db_role_setting s, unnest(s.setconfig) c WHERE s.setrole = 0 "
              "AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) "
              "AND c ILIKE 'timezone=%' ORDER BY s.setdatabase DESC LIMIT 1");
    if (!of_database.empty()) return canonical_zone_name(of_database[0].text(0));
    std::vector<Row> of_server;
    attempt(Bounded::subtransaction, [&] {
        AsExtensionOwner as_extension;
        of_server = query("SELECT setting FROM pg_file_settings WHERE name ILIKE 'timezone' AND applied");
    });
    if (!of_server.empty()) return canonical_zone_name(of_server[0].text(0));
    const char* reset = call([] { return GetConfigOptionResetString("TimeZone"); });
    return canonical_zone_name(reset == nullptr ? "UTC" : reset);
}

base::Instant now() { return from_server(GetCurrentTimestamp()); }

base::Instant from_server(TimestampTz at) {
    if (at > base::kEndMicros - kEpochShiftMicros) return {base::kEndMicros};
    return {at + kEpochShiftMicros};
}

TimestampTz to_server(base::Instant at) { return at.micros - kEpochShiftMicros; }

base::Interval parse_interval(const std::string& value) {
    char* data = const_cast<char*>(value.c_str());
    ::Interval parsed = call([&] {
        Datum datum =
            DirectFunctionCall3(interval_in, CStringGetDatum(data), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
        return *DatumGetIntervalP(datum);
    });
    // From 17 on there are infinite ones, which nothing here can count with.
    constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();
    constexpr std::int32_t kLeast = std::numeric_limits<std::int32_t>::min();
    if ((parsed.month == kMost && parsed.day == kMost) || (parsed.month == kLeast && parsed.day == kLeast))
        throw PgError(ERRCODE_INVALID_DATETIME_FORMAT, "invalid input syntax for type interval: \"{}\"", value);
    return {parsed.month, parsed.day, parsed.time};
}

}  // namespace steward::pg
