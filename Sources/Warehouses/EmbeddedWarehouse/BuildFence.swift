import Kernel
import Postgres
import Warehousing

/// The border that dbt's commits pass. Each commit of DuckLake is a row in `ducklake_snapshot`; dbt's connections carry
/// their job's fencing token (`weir.build`), and a trigger refuses the commit of a build after which another has begun.
///
/// A worker that was stopped past its lease may leave a dbt that goes on: it can swap nothing in any more.
enum BuildFence {
    /// The setting of a connection that carries the token (PostgreSQL 15 documentation, 20.16 "Customized Options").
    static func option(_ fence: FencingToken) -> String { "-c weir.build=\(fence.value)" }

    /// From now on builds of older tokens can commit nothing. A commit that has begun is waited for.
    /// - Throws: `leaseLost` if a later build has begun already.
    static func raise(_ fence: FencingToken, on connection: PGConnection) async throws {
        let isThere = try await !connection.query(
            """
            SELECT FROM pg_trigger WHERE tgname = '_weir_build' AND tgrelid = 'ducklake_snapshot'::regclass
            """
        ).isEmpty
        if !isThere { try await connection.script(border) }
        let raised = try await connection.query(
            "UPDATE _weir_build_fence SET value = \(fence.value) WHERE value <= \(fence.value) RETURNING value")
        guard !raised.isEmpty else {
            throw Problem(.leaseLost, "A later worker builds the models of this warehouse already.")
        }
    }

    private static let border = """
        BEGIN;
        CREATE TABLE IF NOT EXISTS _weir_build_fence (value bigint NOT NULL);
        INSERT INTO _weir_build_fence SELECT 0 WHERE NOT EXISTS (SELECT FROM _weir_build_fence);
        CREATE OR REPLACE FUNCTION _weir_build() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        DECLARE token bigint := nullif(current_setting('weir.build', true), '')::bigint; newest bigint;
        BEGIN
          IF token IS NULL THEN RETURN new; END IF;
          -- Held to the end of the commit: whoever raises it waits for this one.
          SELECT value INTO newest FROM _weir_build_fence FOR SHARE;
          IF token < newest THEN
            RAISE EXCEPTION 'another build of this warehouse has begun after this one' USING ERRCODE = 'WEIR1';
          END IF;
          RETURN new;
        END $$;
        CREATE OR REPLACE TRIGGER _weir_build BEFORE INSERT ON ducklake_snapshot
          FOR EACH ROW EXECUTE FUNCTION _weir_build();
        COMMIT;
        """
}
