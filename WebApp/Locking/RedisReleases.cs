using StackExchange.Redis;

namespace WebApp.Locking;

/// <summary>
/// One subscription a user for all who wait on this node. A message wakes one of them, who came first: one alone can have the
/// lock, and whoever gets it sends the next message when done.
/// </summary>
internal sealed class RedisReleases
{
    private readonly Dictionary<string, Subscription> subscriptions = [];

    /// <summary>Hears of the releases that are announced on a channel from now on.</summary>
    public async Task<IRedisReleases> JoinAsync(IConnectionMultiplexer connection, string channel)
    {
        var seat = new Seat(this, connection.GetSubscriber(), channel);
        try
        {
            await seat.Messages;
            return seat;
        }
        catch
        {
            await seat.DisposeAsync();
            throw;
        }
    }

    private sealed class Subscription
    {
        public required Task<ChannelMessageQueue> Messages { get; init; }

        public int Waiters { get; set; }
    }

    private sealed class Seat : IRedisReleases
    {
        private readonly RedisReleases owner;
        private readonly ISubscriber subscriber;
        private readonly string channel;

        public Seat(RedisReleases owner, ISubscriber subscriber, string channel)
        {
            this.owner = owner;
            this.subscriber = subscriber;
            this.channel = channel;
            lock (owner.subscriptions)
            {
                if (!owner.subscriptions.TryGetValue(channel, out var subscription))
                {
                    subscription = new Subscription { Messages = subscriber.SubscribeAsync(RedisChannel.Literal(channel)) };
                    owner.subscriptions[channel] = subscription;
                }

                subscription.Waiters++;
                Messages = subscription.Messages;
            }
        }

        public Task<ChannelMessageQueue> Messages { get; }

        public async Task NextAsync(TimeSpan patience, TimeProvider time)
        {
            using var bell = new CancellationTokenSource(patience, time);
            try
            {
                await (await Messages).ReadAsync(bell.Token);
            }
            catch (OperationCanceledException)
            {
                // Patience ended: the caller looks for itself.
            }
        }

        /// <summary>
        /// The last one out ends the subscription, and one that failed above all: the client would make up for it when Redis
        /// comes back. Inside the lock, so that it cannot end the subscription of whoever comes next.
        /// </summary>
        public ValueTask DisposeAsync()
        {
            lock (owner.subscriptions)
            {
                if (--owner.subscriptions[channel].Waiters == 0)
                {
                    owner.subscriptions.Remove(channel);
                    subscriber.Unsubscribe(RedisChannel.Literal(channel), flags: CommandFlags.FireAndForget);
                }
            }

            return ValueTask.CompletedTask;
        }
    }
}
