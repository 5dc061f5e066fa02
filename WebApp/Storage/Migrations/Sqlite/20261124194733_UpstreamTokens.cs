using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace WebApp.Storage.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class UpstreamTokens : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "UpstreamRefusedAt",
                table: "Sessions",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "UpstreamSpending",
                table: "Sessions",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "UpstreamTokens",
                table: "Sessions",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "UpstreamVersion",
                table: "Sessions",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "UpstreamRefusedAt",
                table: "Sessions");

            migrationBuilder.DropColumn(
                name: "UpstreamSpending",
                table: "Sessions");

            migrationBuilder.DropColumn(
                name: "UpstreamTokens",
                table: "Sessions");

            migrationBuilder.DropColumn(
                name: "UpstreamVersion",
                table: "Sessions");
        }
    }
}
