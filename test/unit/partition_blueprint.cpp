// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "partition/blueprint.hpp"
#include "partition/drift.hpp"

namespace steward::partition {
namespace {

Blueprint plain(int server_major = 15) {
    Blueprint blueprint;
    blueprint.server_major = server_major;
    blueprint.parent = "public.events";
    return blueprint;
}

constexpr char kLike13[] =
    "(LIKE public.events INCLUDING COMMENTS INCLUDING CONSTRAINTS INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING "
    "INDEXES INCLUDING STATISTICS INCLUDING STORAGE)";

TEST(PartitionBlueprint, plain_parent_takes_two_statements) {
    const Blueprint blueprint = plain(13);
    EXPECT_EQ(create_table_sql(blueprint, "public", "events_1"),
              std::string("CREATE TABLE public.events_1 ") + kLike13);
    EXPECT_EQ(attach_sql(blueprint, "public", "events_1", "DEFAULT"),
              "ALTER TABLE public.events ATTACH PARTITION public.events_1 DEFAULT");
    EXPECT_EQ(after_attach_sql(blueprint, "public", "events_1"), "");
}

TEST(PartitionBlueprint, compression_is_copied_where_the_server_knows_it) {
    EXPECT_EQ(create_table_sql(plain(13), "s", "c").find("COMPRESSION"), std::string::npos);
    EXPECT_NE(create_table_sql(plain(14), "s", "c").find("INCLUDING COMPRESSION"), std::string::npos);
}

TEST(PartitionBlueprint, identity_is_never_copied) {
    for (const int major : {13, 16, 17, 18})
        EXPECT_EQ(create_table_sql(plain(major), "s", "c").find("IDENTITY"), std::string::npos);
}

TEST(PartitionBlueprint, hostile_names_are_quoted) {
    Blueprint blueprint = plain();
    blueprint.tablespace = "t\"; DROP";
    blueprint.comment = "it's \\";
    blueprint.columns.push_back({"a\"b", 5, {"n_distinct=-0.5"}});
    const std::string sql = create_table_sql(blueprint, "S", "x\"y");
    EXPECT_NE(sql.find("CREATE TABLE \"S\".\"x\"\"y\" ("), std::string::npos);
    EXPECT_NE(sql.find("TABLESPACE \"t\"\"; DROP\""), std::string::npos);
    EXPECT_NE(sql.find("COMMENT ON TABLE \"S\".\"x\"\"y\" IS E'it''s \\\\'"), std::string::npos);
    EXPECT_NE(sql.find("ALTER COLUMN \"a\"\"b\" SET STATISTICS 5, ALTER COLUMN \"a\"\"b\" SET (n_distinct = '-0.5')"),
              std::string::npos);
}

TEST(PartitionBlueprint, storage_parameters_follow_the_template) {
    Blueprint blueprint = plain(13);
    blueprint.is_unlogged = true;
    blueprint.access_method = "heap";
    blueprint.options = {"fillfactor=70"};
    blueprint.toast_options = {"autovacuum_enabled=false"};
    EXPECT_EQ(create_table_sql(blueprint, "s", "c"),
              std::string("CREATE UNLOGGED TABLE s.c ") + kLike13 +
                  " USING heap WITH (fillfactor = '70', toast.autovacuum_enabled = 'false')");
}

TEST(PartitionBlueprint, revokes_come_before_grants) {
    Blueprint blueprint = plain();
    blueprint.grants.push_back({"SELECT, UPDATE (body)", "reader", true});
    blueprint.revokes.push_back({"DELETE", "PUBLIC", false});
    const std::string sql = create_table_sql(blueprint, "s", "c");
    const std::size_t revoke = sql.find(";\nREVOKE DELETE ON TABLE s.c FROM PUBLIC");
    const std::size_t grant = sql.find(";\nGRANT SELECT, UPDATE (body) ON TABLE s.c TO reader WITH GRANT OPTION");
    ASSERT_NE(revoke, std::string::npos);
    ASSERT_NE(grant, std::string::npos);
    EXPECT_LT(revoke, grant);
}

TEST(PartitionBlueprint, policies_speak_of_the_partition_itself) {
    const RowPolicy policy{
        "mine",      false, "SELECT", "PUBLIC", std::string("a = ") + kSelfAlias + ".b OR " + kSelfAlias + ".c",
        std::nullopt};
    EXPECT_EQ(
        policy_sql(policy, "s.\"Ev 1\"", "Ev 1"),
        "CREATE POLICY mine ON s.\"Ev 1\" AS RESTRICTIVE FOR SELECT TO PUBLIC USING (a = \"Ev 1\".b OR \"Ev 1\".c)");
}

TEST(PartitionBlueprint, identity_index_of_the_parent_is_set_after_the_attach) {
    Blueprint blueprint = plain();
    blueprint.replica_identity = 'i';
    blueprint.identity_index = "public.events_pkey";
    EXPECT_EQ(create_table_sql(blueprint, "s", "c").find("REPLICA"), std::string::npos);
    EXPECT_NE(after_attach_sql(blueprint, "s", "c").find("public.events_pkey"), std::string::npos);
}

TEST(PartitionBlueprint, template_keys_are_named_after_the_partition) {
    Blueprint blueprint = plain();
    blueprint.replica_identity = 'i';
    blueprint.indexes = {{"email_key", true, "USING btree (email)", "UNIQUE (email)", true},
                         {"len_idx", false, "USING btree (len)", "", false}};
    const std::string sql = create_table_sql(blueprint, "s", "c");
    EXPECT_NE(sql.find("ADD CONSTRAINT c_email_key UNIQUE (email)"), std::string::npos);
    EXPECT_NE(sql.find("CREATE INDEX c_len_idx ON s.c USING btree (len)"), std::string::npos);
    EXPECT_NE(sql.find("ALTER TABLE s.c REPLICA IDENTITY USING INDEX c_email_key"), std::string::npos);
    EXPECT_EQ(after_attach_sql(blueprint, "s", "c"), "");
}

TEST(PartitionBlueprint, hash_subpartitions_are_made_while_the_partition_is_private) {
    Blueprint blueprint = plain(13);
    blueprint.options = {"fillfactor=70"};
    blueprint.subpartitions = *parse_subpartitioning("hash (tenant_id)", 2);
    const auto leaf = [](const char* name, int remainder) {
        return fmt::format(";\nCREATE TABLE s.{0} {1} WITH (fillfactor = '70');\n"
                           "ALTER TABLE s.c ATTACH PARTITION s.{0} FOR VALUES WITH (MODULUS 2, REMAINDER {2})",
                           name, kLike13, remainder);
    };
    EXPECT_EQ(create_table_sql(blueprint, "s", "c"),
              fmt::format("CREATE TABLE s.c {} PARTITION BY HASH (tenant_id)", kLike13) + leaf("c_h0", 0) +
                  leaf("c_h1", 1));
    blueprint.subpartitions = *parse_subpartitioning("LIST (kind)", 0);
    EXPECT_NE(create_table_sql(blueprint, "s", "c").find("ALTER TABLE s.c ATTACH PARTITION s.c_default DEFAULT"),
              std::string::npos);
}

TEST(PartitionBlueprint, subpartition_keys_hold_nothing_but_a_key) {
    EXPECT_EQ(parse_subpartitioning("  ", 0)->method, Subpartitioning::Method::none);
    EXPECT_EQ(parse_subpartitioning(" Hash ( lower(\"a)b\"), (c || ')') ) ", 4)->by,
              "HASH ( lower(\"a)b\"), (c || ')') )");
    for (const char* bad : {"HASH", "HASH ()", "HASH (  )", "TREE (a)", "HASH (a); DROP TABLE x", "HASH (a) (b)",
                            "HASH (a) TABLESPACE t", "HASH (a -- b)", "HASH (a /* ) */)", "HASH (a", "HASH a)",
                            "HASH ('a)", "HASH (E'\\')", "HASH ($$)$$)", "HASH (a)) (b)", "HASH (a);"}) {
        const auto result = parse_subpartitioning(bad, 4);
        EXPECT_FALSE(result.ok()) << bad;
        if (!result.ok()) {
            EXPECT_EQ(result.failure().sqlstate, "22023");
        }
    }
    EXPECT_FALSE(parse_subpartitioning("HASH (a)", 0).ok());
    EXPECT_FALSE(parse_subpartitioning("HASH (a)", 100000).ok());
}

Difference on(Aspect aspect) {
    Difference difference;
    difference.partition = "s.c";
    difference.schema = "s";
    difference.name = "c";
    difference.aspect = aspect;
    return difference;
}

TEST(PartitionDrift, missing_index_is_made_without_blocking_writers) {
    Difference difference = on(Aspect::index);
    difference.parent_index = "s.p_a_idx";
    difference.index = {"a_idx", false, "USING btree (a)", "", false};
    EXPECT_EQ(repair(difference).sql, "CREATE INDEX CONCURRENTLY c_a_idx ON s.c USING btree (a);\n"
                                      "ALTER INDEX s.p_a_idx ATTACH PARTITION s.c_a_idx");
    EXPECT_EQ(repair(difference).lock_mode, "SHARE UPDATE EXCLUSIVE");
}

TEST(PartitionDrift, an_index_that_fits_is_only_attached) {
    Difference difference = on(Aspect::index);
    difference.parent_index = "s.p_a_idx";
    difference.existing_index = "s.mine";
    EXPECT_EQ(repair(difference).sql, "ALTER INDEX s.p_a_idx ATTACH PARTITION s.mine");
}

TEST(PartitionDrift, deferrable_keys_stay_deferrable) {
    Difference difference = on(Aspect::unique_key);
    difference.index = {"a_key", true, "USING btree (a)", "UNIQUE (a) DEFERRABLE INITIALLY DEFERRED", false};
    EXPECT_EQ(repair(difference).sql,
              "CREATE UNIQUE INDEX CONCURRENTLY c_a_key ON s.c USING btree (a);\n"
              "ALTER TABLE s.c ADD CONSTRAINT c_a_key UNIQUE USING INDEX c_a_key DEFERRABLE INITIALLY DEFERRED");
}

TEST(PartitionDrift, exclusion_constraints_are_added_whole) {
    Difference difference = on(Aspect::unique_key);
    difference.index = {"a_excl", false, "USING gist (a)", "EXCLUDE USING gist (a WITH &&)", false};
    EXPECT_EQ(repair(difference).sql, "ALTER TABLE s.c ADD CONSTRAINT c_a_excl EXCLUDE USING gist (a WITH &&)");
}

TEST(PartitionDrift, partitioned_partitions_get_an_index_without_their_own) {
    Difference difference = on(Aspect::index);
    difference.is_partitioned = true;
    difference.parent_index = "s.p_a_idx";
    difference.index = {"a_idx", false, "USING btree (a)", "", false};
    EXPECT_EQ(repair(difference).sql, "CREATE INDEX c_a_idx ON ONLY s.c USING btree (a);\n"
                                      "ALTER INDEX s.p_a_idx ATTACH PARTITION s.c_a_idx");
}

TEST(PartitionDrift, options_are_set_and_reset) {
    Difference difference = on(Aspect::reloptions);
    difference.set_options = {"fillfactor=70"};
    difference.reset_options = {"autovacuum_enabled"};
    difference.reset_toast_options = {"autovacuum_enabled"};
    EXPECT_EQ(repair(difference).sql,
              "ALTER TABLE s.c SET (fillfactor = '70'), RESET (autovacuum_enabled), RESET (toast.autovacuum_enabled)");
}

}  // namespace
}  // namespace steward::partition
