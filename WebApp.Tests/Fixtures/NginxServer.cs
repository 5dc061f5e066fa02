using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// A real nginx before the nodes: round robin, no stickiness. Where none is installed the test is skipped and says so; with
/// <c>CI=true</c> it fails.
/// </summary>
internal sealed class NginxServer : IAsyncDisposable
{
    private static readonly string[] Places = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/bin/nginx"];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("webapp-nginx-");
    private readonly int port = FreePort();
    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private KeptProcess? process;

    public Uri Address => new($"http://127.0.0.1:{port}");

    public static async Task<NginxServer> StartAsync(IEnumerable<Uri> nodes)
    {
        var program = Places.FirstOrDefault(File.Exists);
        const string Reason = "nginx is not installed.";
        if (Environment.GetEnvironmentVariable("CI") == "true")
        {
            Assert.True(program is not null, Reason);
        }

        Assert.SkipWhen(program is null, Reason);
        var server = new NginxServer();
        try
        {
            await server.RunAsync(program!, nodes);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            await process.DisposeAsync();
        }

        folder.Delete(recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task RunAsync(string program, IEnumerable<Uri> nodes)
    {
        var configuration = Path.Combine(folder.FullName, "nginx.conf");
        await File.WriteAllTextAsync(configuration, Configure(nodes));
        process = KeptProcess.Start(
            "TERM", new ProcessStartInfo(program, ["-p", folder.FullName, "-c", configuration, "-e", "stderr"]), Hear);
        if (await Task.WhenAny(ready.Task, process.Ended).InTime() != ready.Task)
        {
            Assert.Fail($"nginx did not start:\n{string.Join('\n', process.Errors)}");
        }
    }

    /// <summary>At level notice it says which of its processes have started; the last of them takes connections.</summary>
    private void Hear(string line)
    {
        if (line.Contains("start worker process ", StringComparison.Ordinal))
        {
            ready.TrySetResult();
        }
    }

    /// <summary>A node that is gone is passed over for what may be asked twice; a form is never sent to two.</summary>
    private string Configure(IEnumerable<Uri> nodes) => $$"""
        daemon off;
        {{(Environment.IsPrivilegedProcess ? "user root;" : "")}}
        worker_processes 1;
        pid {{folder.FullName}}/nginx.pid;
        error_log stderr notice;
        events { worker_connections 4096; }
        http {
          access_log off;
          client_body_temp_path {{folder.FullName}}/body;
          proxy_temp_path {{folder.FullName}}/proxy;
          fastcgi_temp_path {{folder.FullName}}/fastcgi;
          uwsgi_temp_path {{folder.FullName}}/uwsgi;
          scgi_temp_path {{folder.FullName}}/scgi;
          upstream nodes {
        {{string.Join('\n', nodes.Select(node => $"    server {node.Authority} max_fails=1 fail_timeout=1s;"))}}
            keepalive 64;
          }
          server {
            listen 127.0.0.1:{{port}} backlog=4096;
            location / {
              proxy_pass http://nodes;
              proxy_http_version 1.1;
              proxy_set_header Connection "";
              proxy_set_header Host $http_host;
              proxy_set_header X-Forwarded-For $remote_addr;
              proxy_connect_timeout 2s;
              proxy_read_timeout 10s;
              proxy_buffer_size 16k;
              proxy_buffers 8 16k;
            }
          }
        }
        """;
}
