// SPDX-License-Identifier: PostgreSQL
#include "capture/saved.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace steward::capture {

namespace {

// Another number for each change of what is behind it.
constexpr std::uint64_t kFormat =
    0x7374657761726403ULL + (std::uint64_t{kSums} << 16) + (std::uint64_t{kBuckets} << 32);

std::uint64_t checksum(std::string_view bytes) noexcept {
    std::uint64_t sum = bytes.size();
    for (; bytes.size() >= sizeof(std::uint64_t); bytes.remove_prefix(sizeof(std::uint64_t))) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof(word));
        sum = mix(sum ^ word) + 0x9e3779b97f4a7c15ULL;
    }
    for (char c : bytes) sum = mix(sum ^ static_cast<unsigned char>(c));
    return sum;
}

template <class T>
void put(std::string& out, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    template <class T>
    T next() noexcept {
        T value{};
        if (rest_.size() < sizeof(T)) {
            is_good_ = false;
            return value;
        }
        std::memcpy(&value, rest_.data(), sizeof(T));
        rest_.remove_prefix(sizeof(T));
        return value;
    }
    std::string_view next_text(std::size_t length) noexcept {
        if (rest_.size() < length) {
            is_good_ = false;
            return {};
        }
        std::string_view text = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return text;
    }
    bool is_good() const noexcept { return is_good_; }
    bool is_at_end() const noexcept { return rest_.empty(); }

private:
    std::string_view rest_;
    bool is_good_ = true;
};

void put_key(std::string& out, const Key& key) {
    put(out, key.queryid);
    put(out, key.database);
    put(out, key.role);
    put(out, static_cast<std::uint8_t>(key.is_toplevel));
}

Key next_key(Reader& in) noexcept {
    Key key{};
    key.queryid = in.next<std::uint64_t>();
    key.database = in.next<std::uint32_t>();
    key.role = in.next<std::uint32_t>();
    key.is_toplevel = in.next<std::uint8_t>() != 0;
    return key;
}

// Most counts are 0.
void put_histogram(std::string& out, const Histogram& histogram) {
    std::uint8_t used = 0;
    for (std::int64_t count : histogram.counts) used += count != 0 ? 1 : 0;
    put(out, used);
    for (int i = 0; i < kBuckets; ++i) {
        if (histogram.counts[i] == 0) continue;
        put(out, static_cast<std::uint8_t>(i));
        put(out, histogram.counts[i]);
    }
}

void next_histogram(Reader& in, Histogram& histogram) noexcept {
    histogram = {};
    for (int used = in.next<std::uint8_t>(); used > 0 && in.is_good(); --used) {
        int bucket = in.next<std::uint8_t>();
        auto count = in.next<std::int64_t>();
        if (bucket < kBuckets) histogram.counts[bucket] = count;
    }
}
static_assert(kBuckets <= 255);

Statistic next_statistic(Reader& in) {
    Statistic one{};
    one.key = next_key(in);
    one.counters = in.next<Counters>();
    next_histogram(in, one.histogram);
    one.has_text = in.next<std::uint8_t>() != 0;
    one.is_cut = in.next<std::uint8_t>() != 0;
    one.encoding = in.next<std::int32_t>();
    one.text = in.next_text(in.next<std::uint32_t>());
    return one;
}

FailureCount next_failure(Reader& in) noexcept {
    FailureCount one{};
    one.key = next_key(in);
    one.sqlstate = in.next<std::int32_t>();
    one.count = in.next<std::int64_t>();
    one.total_ns = in.next<std::int64_t>();
    one.last_at = in.next<std::int64_t>();
    one.message.encoding = in.next<std::int32_t>();
    std::string_view text = in.next_text(std::min<std::size_t>(in.next<std::uint16_t>(), Message::kMostBytes));
    one.message.length = static_cast<std::uint16_t>(text.copy(one.message.bytes, text.size()));
    return one;
}

}  // namespace

std::string sealed(std::string_view content) {
    std::string out;
    put(out, kFormat);
    out += content;
    put(out, checksum(out));
    return out;
}

void Saver::add(const Snapshot& part) {
    put(out_, static_cast<std::uint64_t>(part.statistics.size()));
    for (const Statistic& one : part.statistics) {
        put_key(out_, one.key);
        put(out_, one.counters);
        put_histogram(out_, one.histogram);
        put(out_, static_cast<std::uint8_t>(one.has_text));
        put(out_, static_cast<std::uint8_t>(one.is_cut));
        put(out_, one.encoding);
        put(out_, static_cast<std::uint32_t>(one.text.size()));
        out_ += one.text;
    }
    put(out_, static_cast<std::uint64_t>(part.failures.size()));
    for (const FailureCount& one : part.failures) {
        put_key(out_, one.key);
        put(out_, one.sqlstate);
        put(out_, one.count);
        put(out_, one.total_ns);
        put(out_, one.last_at);
        put(out_, one.message.encoding);
        put(out_, one.message.length);
        out_.append(one.message.bytes, one.message.length);
    }
}

bool load(std::string_view bytes, Snapshot& snapshot) {
    snapshot = {};
    if (bytes.size() < sizeof(std::uint64_t)) return false;
    std::uint64_t sum = 0;
    std::memcpy(&sum, bytes.data() + bytes.size() - sizeof(sum), sizeof(sum));
    bytes.remove_suffix(sizeof(sum));
    if (checksum(bytes) != sum) return false;
    Reader in(bytes);
    if (in.next<std::uint64_t>() != kFormat) return false;
    while (in.is_good() && !in.is_at_end()) {
        for (auto left = in.next<std::uint64_t>(); left > 0 && in.is_good(); --left)
            snapshot.statistics.push_back(next_statistic(in));
        for (auto left = in.next<std::uint64_t>(); left > 0 && in.is_good(); --left)
            snapshot.failures.push_back(next_failure(in));
    }
    if (in.is_good()) return true;
    snapshot = {};
    return false;
}

}  // namespace steward::capture
