// SPDX-License-Identifier: PostgreSQL
//
// The statements a session has under way: those that run, each within the one before, and those that were begun and wait for
// their next part (cursors, portals). In a fixed piece of memory of the session.
//
// An error jumps over the end of all statements it passes. They are found by the address of their frame on the stack: one
// that is not above that of a statement which begins now has been left. An abort of their transaction finds them earlier.
#pragma once

#include <cstdint>

#include "capture/slab.hpp"

namespace steward::capture {

struct FlightState {
    const void* query;  // what the server knows it by
    const char* frame;  // of the function that runs it
    Key key;
    std::uint64_t hash;
    SlabEntry* entry;         // where its key was counted when it began,
    std::uint32_t entry_use;  // and which use of that entry this was
    int transaction_level;
    bool is_running;
    bool is_measured;  // what runs now, or has run
    bool is_counted;   // it has ended, and is being put away
    bool has_unusual;  // of the sums, those that most statements have none of: they say something only then
    int sampling;      // it stands for so many when its processor time is measured; 0: it is not
    std::int64_t seen_at;
    std::int64_t running_since;  // nanoseconds of a clock that only goes forward; 0: what it does is not measured
    std::int64_t sums[kSumsStored];

    // The sums, to count what is unusual in.
    std::int64_t* all_sums() noexcept {
        if (!has_unusual) clear_sums<kUnusualSums>(sums + kUsualSums);
        has_unusual = true;
        return sums;
    }
    void add_to(std::int64_t* to) const noexcept {
        add_sums<kUsualSums>(to, sums);
        if (has_unusual) add_sums<kUnusualSums>(to + kUsualSums, sums + kUsualSums);
    }
};

// Extra is what whoever measures keeps of a part that runs; plain.
template <class Extra>
class Flights {
public:
    struct Flight : FlightState {
        Extra extra;
    };
    static constexpr int kMost = 128;

    int depth() const noexcept { return depth_; }
    bool is_idle() const noexcept { return active_ == 0; }
    // Of those that run; null: none does.
    const Flight* outermost() const noexcept { return depth_ > 0 ? running_[0] : nullptr; }

    // Null when there are too many.
    Flight* begin(const void* query) noexcept {
        if (active_ == kMost) return nullptr;
        Flight* flight = free_ > 0 ? unused_[--free_] : &flights_[made_++];
        flight->query = query;
        flight->is_running = flight->is_measured = flight->is_counted = flight->has_unusual = false;
        flight->running_since = 0;
        clear_sums<kUsualSums>(flight->sums);
        order_[active_++] = flight;
        return flight;
    }

    Flight* find(const void* query) noexcept {
        for (int i = active_; i-- > 0;)
            if (order_[i]->query == query) return order_[i];
        return nullptr;
    }

    void end(Flight* flight) noexcept {
        for (int i = active_; i-- > 0;)
            if (order_[i] == flight) {
                --active_;
                for (; i < active_; ++i) order_[i] = order_[i + 1];
                break;
            }
        unused_[free_++] = flight;
    }

    // Returns its place, for leave().
    int enter(Flight* flight, const char* frame) noexcept {
        flight->frame = frame;
        flight->is_running = true;
        flight->is_measured = false;
        flight->running_since = 0;
        running_[depth_] = flight;
        return depth_++;
    }

    // It runs no more. Those within it have been left by an error that it caught. False when it was taken as failed itself.
    template <class Lost>
    bool leave(Flight* flight, int place, Lost&& lost) noexcept {
        if (depth_ <= place || running_[place] != flight) return false;
        while (depth_ > place + 1) lose_innermost(lost);
        depth_ = place;
        flight->is_running = false;
        return true;
    }

    // Something begins in this frame: whatever is not above it on the stack has been left.
    template <class Lost>
    void forget_left(const char* frame, Lost&& lost) noexcept {
        while (depth_ > 0 && running_[depth_ - 1]->frame <= frame) lose_innermost(lost);
    }

    // The running ones of transactions of this level and deeper have failed.
    template <class Lost>
    void fail(int transaction_level, Lost&& lost) noexcept {
        while (depth_ > 0 && running_[depth_ - 1]->transaction_level >= transaction_level) lose_innermost(lost);
    }

    // The waiting ones of transactions of this level and deeper will not go on.
    template <class Ended>
    void close(int transaction_level, Ended&& ended) noexcept {
        for (int i = active_; i-- > 0;) {
            Flight* flight = order_[i];
            if (flight->is_running || flight->transaction_level < transaction_level) continue;
            ended(*flight);
            end(flight);
        }
    }

    // A subtransaction of this level has become part of the one around it.
    void rise(int transaction_level) noexcept {
        for (int i = 0; i < active_; ++i)
            if (order_[i]->transaction_level >= transaction_level) order_[i]->transaction_level = transaction_level - 1;
    }

private:
    template <class Lost>
    void lose_innermost(Lost&& lost) noexcept {
        Flight* flight = running_[--depth_];
        flight->is_running = false;
        lost(*flight);
        end(flight);
    }

    Flight flights_[kMost];
    Flight* order_[kMost];  // as they began
    Flight* unused_[kMost];
    Flight* running_[kMost];  // the innermost last
    int active_ = 0;
    int made_ = 0;
    int free_ = 0;
    int depth_ = 0;
};

}  // namespace steward::capture
